-- One row per equipment: its newest extract.
with newest as (

    {{ newest_extracts(source('sap', 'equi'), [without_leading_zeros('equnr')]) }}

),

renamed as (

    select
        {{ without_leading_zeros('equnr') }} as equipment_id,
        {{ without_leading_zeros('matnr') }} as article_id,
        {{ without_leading_zeros('sernr') }} as serial_number,
        {{ blank_to_null('objnr') }} as object_id,
        {{ blank_to_null('eqtyp') }} as equipment_category_code,
        {{ blank_to_null('charge') }} as master_batch_id,
        erdat as created_date,
        gwlen as warranty_end_date,
        coalesce(extract_date, cast(_ingested_at as date)) as extracted_date
    from newest

)

select * from renamed
