-- One row per object and status: its newest extract.
with newest as (

    {{ newest_extracts(source('sap', 'jest'), ['objnr', 'stat']) }}

),

renamed as (

    select
        trim(objnr) as object_id,
        trim(stat) as status_id,
        coalesce(upper(trim(inact)), '') <> 'X' as is_active
    from newest

)

select * from renamed
