{#-
    Columns that say where a movement takes from and puts to, by its type: of `merged`, what was told, and `movement_types`, what
    the type means. Blank special stock is own stock; NULL leaves the special stock as it was.
-#}
{% macro placement_columns() %}
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
    end as placed_stock_type_code
{%- endmacro %}
