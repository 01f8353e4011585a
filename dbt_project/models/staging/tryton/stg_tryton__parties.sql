-- One row per party: its newest extract. Tryton does not say who buys and who sells: shipments do.
with parties as (

    select
        *,
        row_number() over (partition by id order by extracted_at desc, _ingested_at desc, _line desc) as age
    from {{ source('tryton', 'parties') }}

),

renamed as (

    select
        id as party_number,
        {{ without_leading_zeros('code') }} as party_id
    from parties
    where age = 1 and not is_deleted

)

select * from renamed
