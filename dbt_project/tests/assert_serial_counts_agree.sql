-- The number in SER03, the lines of its object list and the quantity of the material document's line are one number.
{{ config(severity='warn', meta={'dagster': {'ref': {'name': 'int_material_document_lines'}}}) }}

with listed as (

    select
        object_list_id,
        count(*) as units
    from {{ ref('stg_sap__object_list_lines') }}
    where not is_deleted
    group by object_list_id

)

select
    headers.material_document_id,
    headers.material_document_line,
    headers.serial_count,
    listed.units,
    document_lines.quantity
from {{ ref('stg_sap__serial_movement_headers') }} as headers
left join listed on headers.object_list_id = listed.object_list_id
left join {{ ref('int_material_document_lines') }} as document_lines
    on
        headers.material_document_id = document_lines.material_document_id
        and headers.material_document_line = document_lines.material_document_line
        and not document_lines.is_deleted
where
    not headers.is_deleted
    -- Without any object lists there is nothing to compare with.
    and exists (select 1 from {{ ref('stg_sap__object_list_lines') }})
    and (
        coalesce(listed.units, 0) <> coalesce(headers.serial_count, listed.units, 0)
        or coalesce(listed.units, 0) <> abs(coalesce(document_lines.quantity, listed.units, 0))
    )
