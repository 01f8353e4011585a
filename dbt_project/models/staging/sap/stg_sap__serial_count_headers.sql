-- One row per serial number header of a physical inventory document's line: its newest extract.
with headers as (

    {{ document_rows(source('sap', 'ser07'), ['obknr'], ['iblnr', 'gjahr', 'zeili']) }}

),

renamed as (

    select
        obknr as object_list_id,
        {{ material_document('iblnr', 'gjahr') }} as count_document_id,
        zeili as count_document_line,
        coalesce(change_mode = 'D', false) as is_deleted,
        _ingested_at as ingested_at
    from headers

)

select * from renamed
