-- One row per day and region.
with calendar as (

    select * from {{ source('marketing', 'calendar') }}

),

renamed as (

    select
        trim(region) as region_code,
        {{ blank_to_null('holiday_name') }} as holiday_name,
        is_holiday,
        is_open,
        calendar_date,
        row_number() over (partition by calendar_date, region order by _ingested_at desc, _file desc, _line desc) as version_age
    from calendar

)

select * from renamed
where version_age = 1
