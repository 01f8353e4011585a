-- One row per equipment: its newest extract.
with equi as (

    select * from {{ source('sap', 'equi') }}

),

numbered as (

    select
        *,
        row_number() over (
            partition by equnr order by coalesce(extract_date, cast(_ingested_at as date)) desc, _ingested_at desc, _line desc
        ) as age
    from equi

),

renamed as (

    select
        {{ without_leading_zeros('equnr') }} as equipment_id,
        {{ without_leading_zeros('matnr') }} as article_id,
        {{ without_leading_zeros('sernr') }} as serial_number,
        {{ blank_to_null('eqtyp') }} as equipment_category_code,
        {{ blank_to_null('charge') }} as master_batch_id,
        erdat as created_date,
        gwlen as warranty_end_date
    from numbered
    where age = 1

)

select * from renamed
