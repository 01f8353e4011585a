-- One row per equipment in stock: where the ERP keeps it, by its newest extract.
with newest as (

    {{ newest_extracts(source('sap', 'eqbs'), [without_leading_zeros('equnr')]) }}

),

renamed as (

    select
        {{ without_leading_zeros('equnr') }} as equipment_id,
        {{ blank_to_null('b_werk') }} as site_id,
        {{ blank_to_null('b_lager') }} as storage_location_id,
        {{ blank_to_null('lbbsa') }} as stock_type_code,
        {{ blank_to_null('sobkz') }} as special_stock_code,
        coalesce(extract_date, cast(_ingested_at as date)) as extracted_date
    from newest

)

select * from renamed
