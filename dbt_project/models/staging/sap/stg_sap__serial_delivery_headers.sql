-- One row per serial number header of a delivery: its newest extract.
with newest as (

    {{ newest_extracts(source('sap', 'ser01'), ['obknr']) }}

),

renamed as (

    select
        obknr as object_list_id,
        {{ without_leading_zeros('lief_nr') }} as delivery_id
    from newest

)

select * from renamed
