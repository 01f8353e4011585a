-- One row per article and site: its newest extract.
with newest as (

    {{ newest_extracts(source('sap', 'marc'), [without_leading_zeros('matnr'), 'werks']) }}

),

renamed as (

    select
        {{ without_leading_zeros('matnr') }} as article_id,
        trim(werks) as site_id,
        {{ blank_to_null('sernp') }} as serial_number_profile_code,
        coalesce(extract_date, cast(_ingested_at as date)) as extracted_date
    from newest

)

select * from renamed
