-- One row per article and site: its newest extract.
with marc as (

    select * from {{ source('sap', 'marc') }}

),

numbered as (

    select
        *,
        row_number() over (
            partition by matnr, werks
            order by coalesce(extract_date, cast(_ingested_at as date)) desc, _ingested_at desc, _line desc
        ) as age
    from marc

),

renamed as (

    select
        {{ without_leading_zeros('matnr') }} as article_id,
        trim(werks) as site_id,
        {{ blank_to_null('sernp') }} as serial_number_profile_code
    from numbered
    where age = 1

)

select * from renamed
