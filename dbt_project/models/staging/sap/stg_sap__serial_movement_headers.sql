-- One row per serial number header of a goods movement: the line of a material document that an object list belongs to.
{% set content = ['mblnr', 'mjahr', 'zeile', 'anzsn'] -%}
with headers as (

    {{ document_rows(source('sap', 'ser03'), ['obknr'], content) }}

),

renamed as (

    select
        obknr as object_list_id,
        {{ material_document('mblnr', 'mjahr') }} as material_document_id,
        zeile as material_document_line,
        anzsn as serial_count,
        coalesce(change_mode = 'D', false) as is_deleted,
        _file as file,
        _line as line,
        _ingested_at as ingested_at
    from headers

)

select * from renamed
