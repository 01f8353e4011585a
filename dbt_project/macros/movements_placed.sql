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
    -- Blank is own stock; NULL leaves the special stock as it was.
    case
        when movement_types.movement_type is null then null
        when movement_types.special_stock_to = 'own' or movement_types.special_stock_to is null then ''
        when movement_types.special_stock_to = 'line'
            then coalesce(merged.special_stock_code, case when movement_types.direction = 'receipt' then '' end)
        else coalesce(merged.special_stock_code, movement_types.special_stock_to)
    end as placed_special_stock_code,
    case movement_types.from_place
        when 'line' then merged.site_id
        when 'line_transit' then merged.site_id
        when 'line_or_counter' then merged.site_id
        when 'vendor' then merged.site_id
        when 'counter' then coalesce(merged.to_site_id, merged.site_id)
    end as from_site_id,
    case movement_types.from_place
        when 'line' then merged.storage_location_id
        when 'line_or_counter' then merged.storage_location_id
        when 'counter' then merged.to_storage_location_id
    end as from_storage_location_id,
    case movement_types.to_place
        when 'line' then merged.site_id
        when 'vendor' then merged.site_id
        when 'line_transit' then merged.site_id
        when 'counter' then coalesce(merged.to_site_id, merged.site_id)
        when 'line_or_counter' then coalesce(merged.to_site_id, merged.site_id)
    end as placed_site_id,
    case movement_types.to_place
        when 'line' then merged.storage_location_id
        when 'counter' then merged.to_storage_location_id
        when 'line_or_counter' then coalesce(merged.to_storage_location_id, merged.storage_location_id)
    end as placed_storage_location_id,
    -- A receipt may go into another stock type than its movement type's own.
    case
        when movement_types.direction = 'receipt' then coalesce(merged.stock_type_code, movement_types.stock_type_to)
        else movement_types.stock_type_to
    end as placed_stock_type_code,
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
