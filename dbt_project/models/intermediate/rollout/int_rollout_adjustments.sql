-- One row per posted count difference: of a unit, or of an article in bulk.
{{ config(materialized='view') }}

select
    coalesce(to_site_id, from_site_id) as site_id,
    movement_date as adjusted_date,
    cast(1 as decimal(15, 3)) as quantity
from {{ ref('serial_movements') }}
where movement_type in ('701', '702', '703', '704', '707', '708', '711', '712')
union all
select
    lines.site_id,
    lines.counted_date as adjusted_date,
    abs(lines.counted_quantity - lines.book_quantity) as quantity
from {{ ref('stg_sap__physical_inventory_lines') }} as lines
left join {{ ref('int_sites_loaded') }} as loaded on lines.site_id = loaded.site_id
-- After the go-live the same difference is a movement of each unit.
where lines.is_difference_posted and (loaded.go_live_date is null or lines.counted_date < loaded.go_live_date)
