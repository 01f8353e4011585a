-- One row per equipment and period of its life: what it was built into, by the newest extract.
with newest as (

    {{ newest_extracts(source('sap', 'equz'), [without_leading_zeros('equnr'), 'datab']) }}

),

renamed as (

    select
        {{ without_leading_zeros('equnr') }} as equipment_id,
        {{ without_leading_zeros('hequi') }} as superior_equipment_id,
        datab as valid_from_date,
        datbi as valid_to_date,
        _file as file,
        _line as line,
        _ingested_at as ingested_at
    from newest

)

select * from renamed
