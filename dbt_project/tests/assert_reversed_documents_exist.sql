-- A line that reverses another names one that exists, unless that is older than all that was extracted.
{{ config(severity='warn', meta={'dagster': {'ref': {'name': 'int_material_document_lines'}}}) }}

with document_lines as (

    select * from {{ ref('int_material_document_lines') }}

)

select
    reversals.material_document_id,
    reversals.material_document_line,
    reversals.reversed_document_id,
    reversals.reversed_document_line
from document_lines as reversals
left join document_lines as originals
    on
        reversals.reversed_document_id = originals.material_document_id
        and coalesce(reversals.reversed_document_line, originals.material_document_line) = originals.material_document_line
where
    reversals.reversed_document_id is not null
    and not reversals.is_deleted
    and originals.material_document_id is null
    and reversals.reversed_document_id >= (select min(document_lines.material_document_id) from document_lines)
