-- One row per article and language: its newest extract.
with newest as (

    {{ newest_extracts(source('sap', 'makt'), [without_leading_zeros('matnr'), 'spras']) }}

),

renamed as (

    select
        {{ without_leading_zeros('matnr') }} as article_id,
        upper(trim(spras)) as language_code,
        trim(maktx) as article_name
    from newest

)

select * from renamed
