-- One row per event, as often as it was delivered, and identifier of goods that it names.
{%- set fields = ['number', 'role', 'id', 'key', 'gtin', 'serial', 'lot', 'sscc', 'quantity', 'uom'] %}

with events as (

    select
        *,
        {{ each_of(json_objects('units', fields)) }} as unit
    from {{ source('epcis', 'events') }}

),

renamed as (

    select
        record_hash,
        content_hash,
        event_id,
        -- An event that is told again, or declared an error, is known by its own number, or else by what happened.
        coalesce(event_id, content_hash) as version_id,
        event_type,
        event_time as happened_at,
        error_declared_at is not null as is_error_declaration,
        coalesce(greatest(error_declared_at, event_time + interval 1 second), event_time) as record_created_at,
        action,
        biz_step as business_step,
        disposition,
        coalesce(read_point_gln, biz_location_gln) as place_gln,
        coalesce(read_point, biz_location) as place_id,
        source_gln,
        destination_gln,
        parent_id,
        cast(unit.number as integer) as unit_number,
        unit.role as unit_role,
        unit.id as unit_id,
        {{ without_leading_zeros('unit.gtin') }} as gtin_code,
        {{ without_leading_zeros('unit.serial') }} as serial_number,
        unit.lot as lot_id,
        unit.sscc as handling_unit_id,
        cast(unit.quantity as double) as quantity,
        unit.uom as unit_of_measure,
        business_transactions,
        _file as file,
        _line as line,
        _ingested_at as ingested_at
    from events

)

select * from renamed
