-- One row per lot: its newest extract. Where one piece is one lot, its number is the serial number.
with lots as (

    select
        *,
        row_number() over (partition by id order by extracted_at desc, _ingested_at desc, _line desc) as age
    from {{ source('tryton', 'lots') }}

),

renamed as (

    select
        id as lot_id,
        product as product_id,
        {{ without_leading_zeros('number') }} as serial_number,
        extracted_at
    from lots
    where age = 1 and not is_deleted

)

select * from renamed
