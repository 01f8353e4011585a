{#- The rows of `movements` (in the shape of int_serial_movements_merged) with where each went from and to, and what it did to the unit. -#}
{% macro movements_placed(movements) %}
with movement_types as (

    select * from {{ built('movement_types', 'seeds') }}

),

merged as (

    select * from {{ movements }}
    where not is_withdrawn

)

select
    merged.*,
    movement_types.movement_name,
    movement_types.direction,
    movement_types.allowed_states_before,
    movement_types.state_after,
    movement_types.status_after,
    movement_types.movement_type is not null as is_known_type,
    coalesce(movement_types.is_reversal, false) as is_reversal,
    movement_types.reversal_movement_type,
    movement_types.special_stock_to,
    {{ placement_columns() }},
    cast(coalesce(merged.known_moved_at, merged.posting_date) as date) as movement_date,
    coalesce(
        merged.known_moved_at,
        merged.posting_date + cast(coalesce(movement_types.default_time, '12:00:00') as time)
    ) as moved_at,
    coalesce(movement_types.sequence_number, 50) as type_order
from merged
left join movement_types
    on merged.movement_type = movement_types.movement_type and merged.line_role = movement_types.line_role
{% endmacro %}
