-- One row per serial number header of a handling unit's item: the handling unit that an object list is packed in.
{% set content = ['venum', 'vepos', 'exidv', 'datum'] -%}
with headers as (

    {{ document_rows(source('sap', 'ser06'), ['obknr'], content) }}

),

renamed as (

    select
        obknr as object_list_id,
        {{ without_leading_zeros('exidv') }} as handling_unit_id,
        datum as packed_date,
        coalesce(change_mode = 'D', false) as is_deleted,
        _file as file,
        _line as line,
        _ingested_at as ingested_at
    from headers

)

select * from renamed
