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
    counts.site_id,
    counts.counted_date as adjusted_date,
    abs(counts.counted_quantity - counts.book_quantity) as quantity
from {{ ref('int_count_results') }} as counts
left join {{ ref('int_sites_loaded') }} as loaded on counts.site_id = loaded.site_id
where
    counts.serial_number is null
    and counts.is_difference_posted
    and not counts.is_withdrawn
    -- After the go-live the same difference is a movement of each unit.
    and (loaded.go_live_date is null or counts.counted_date < loaded.go_live_date)
