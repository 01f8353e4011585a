-- One row per vendor: its newest extract.
with lfa1 as (

    select * from {{ source('sap', 'lfa1') }}

),

numbered as (

    select
        *,
        row_number() over (
            partition by lifnr order by coalesce(extract_date, cast(_ingested_at as date)) desc, _ingested_at desc, _line desc
        ) as age
    from lfa1

),

renamed as (

    select
        {{ without_leading_zeros('lifnr') }} as vendor_id,
        {{ blank_to_null('name1') }} as vendor_name,
        {{ blank_to_null('ktokk') }} as account_group_code,
        {{ blank_to_null('land1') }} as country_code,
        {{ blank_to_null('regio') }} as region_code
    from numbered
    where age = 1

)

select * from renamed
