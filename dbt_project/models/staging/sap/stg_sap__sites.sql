-- One row per site: its newest extract.
with t001w as (

    select * from {{ source('sap', 't001w') }}

),

numbered as (

    select
        *,
        row_number() over (
            partition by werks order by coalesce(extract_date, cast(_ingested_at as date)) desc, _ingested_at desc, _line desc
        ) as age
    from t001w

),

renamed as (

    select
        trim(werks) as site_id,
        {{ blank_to_null('name1') }} as site_name,
        {{ blank_to_null('vlfkz') }} as site_category_code,
        {{ blank_to_null('regio') }} as region_code,
        {{ blank_to_null('land1') }} as country_code,
        {{ blank_to_null('ort01') }} as city_name,
        {{ blank_to_null('gln') }} as gln,
        zzlat as latitude_degrees,
        zzlon as longitude_degrees
    from numbered
    where age = 1

)

select * from renamed
