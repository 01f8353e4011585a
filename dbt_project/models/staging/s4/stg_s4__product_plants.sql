-- One row per article and site: its serial number profile as it was read last.
with product_plants as (

    select * from {{ source('s4', 'product_plants') }}

),

numbered as (

    select
        *,
        row_number() over (partition by product, plant order by extracted_at desc, _ingested_at desc, _line desc) as age
    from product_plants

),

renamed as (

    select
        {{ without_leading_zeros('product') }} as article_id,
        trim(plant) as site_id,
        {{ blank_to_null('serial_number_profile') }} as serial_number_profile_code,
        cast(extracted_at as date) as extracted_date
    from numbered
    where age = 1

)

select * from renamed
