-- One row per site: its newest extract.
with newest as (

    {{ newest_extracts(source('sap', 't001w'), ['werks']) }}

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
    from newest

)

select * from renamed
