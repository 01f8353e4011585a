-- One row per serial number profile and serialising procedure: its newest extract.
with newest as (

    {{ newest_extracts(source('sap', 't377'), ['serail', 'beleg']) }}

),

renamed as (

    select
        trim(serail) as serial_number_profile_code,
        upper(trim(beleg)) as procedure_code,
        {{ blank_to_null('serusage') }} as usage_code,
        {{ blank_to_null('eqreq') }} as equipment_requirement_code
    from newest

)

select * from renamed
