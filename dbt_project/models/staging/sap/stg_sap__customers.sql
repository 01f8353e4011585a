-- One row per customer: its newest extract.
with kna1 as (

    select * from {{ source('sap', 'kna1') }}

),

numbered as (

    select
        *,
        row_number() over (
            partition by kunnr order by coalesce(extract_date, cast(_ingested_at as date)) desc, _ingested_at desc, _line desc
        ) as age
    from kna1

),

renamed as (

    select
        {{ without_leading_zeros('kunnr') }} as customer_id,
        {{ blank_to_null('ktokd') }} as account_group_code,
        {{ blank_to_null('land1') }} as country_code,
        {{ blank_to_null('regio') }} as region_code
    from numbered
    where age = 1

)

select * from renamed
