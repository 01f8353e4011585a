-- One row per serial number profile: its newest extract.
with t377p as (

    select * from {{ source('sap', 't377p') }}

),

numbered as (

    select
        *,
        row_number() over (
            partition by serail order by coalesce(extract_date, cast(_ingested_at as date)) desc, _ingested_at desc, _line desc
        ) as age
    from t377p

),

renamed as (

    select
        trim(serail) as serial_number_profile_code,
        {{ blank_to_null('sertx') }} as serial_number_profile_name,
        {{ blank_to_null('bstvp') }} as stock_check_code,
        {{ blank_to_null('mmsl_usage') }} as goods_movement_usage_code
    from numbered
    where age = 1

)

select * from renamed
