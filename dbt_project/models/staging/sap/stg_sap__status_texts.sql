-- One row per status and language: its newest extract.
with newest as (

    {{ newest_extracts(source('sap', 'tj02t'), ['istat', 'spras']) }}

),

renamed as (

    select
        trim(istat) as status_id,
        {{ blank_to_null('spras') }} as language_code,
        {{ blank_to_null('txt04') }} as status_code,
        {{ blank_to_null('txt30') }} as status_name
    from newest

)

select * from renamed
