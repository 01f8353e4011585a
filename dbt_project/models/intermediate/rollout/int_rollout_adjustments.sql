-- One row per posted count difference: of a unit, or of an article in bulk.
{{ config(materialized='view') }}

select
    coalesce(to_site_id, from_site_id) as site_id,
    movement_date as adjusted_date,
    cast(1 as decimal(15, 3)) as quantity
from {{ ref('serial_movements') }}
where movement_type in ('701', '702', '703', '704', '707', '708', '711', '712')
union all
-- After the go-live the same difference is a movement of each unit.
select
    site_id,
    counted_date as adjusted_date,
    cast(adjusted_units as decimal(15, 3)) as quantity
from {{ ref('int_rollout_counts') }}
where count_basis_code = 'quantity' and adjusted_units > 0
