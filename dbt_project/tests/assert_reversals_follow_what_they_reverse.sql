-- A unit comes back from a vendor (542), out of consumption (544) or from a delivery (602) only where it went before.
{{ config(severity='warn', meta={'dagster': {'ref': {'name': 'serial_movements'}}}) }}

select
    reversals.article_id,
    reversals.serial_number,
    reversals.movement_type,
    reversals.document_id
from {{ ref('serial_movements') }} as reversals
inner join {{ ref('movement_types') }} as movement_types
    on reversals.movement_type = movement_types.movement_type and movement_types.line_role = 'main'
left join {{ ref('serial_movements') }} as originals
    on
        reversals.article_id = originals.article_id
        and reversals.serial_number = originals.serial_number
        and movement_types.reversal_movement_type = originals.movement_type
        and reversals.sequence_number > originals.sequence_number
where reversals.movement_type in ('542', '544', '602') and originals.movement_id is null
