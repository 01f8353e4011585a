-- One row per article and language: its newest extract.
with makt as (

    select * from {{ source('sap', 'makt') }}

),

numbered as (

    select
        *,
        row_number() over (
            partition by matnr, spras
            order by coalesce(extract_date, cast(_ingested_at as date)) desc, _ingested_at desc, _line desc
        ) as age
    from makt

),

renamed as (

    select
        {{ without_leading_zeros('matnr') }} as article_id,
        upper(trim(spras)) as language_code,
        trim(maktx) as article_name
    from numbered
    where age = 1

)

select * from renamed
