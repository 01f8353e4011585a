-- One row per site with an initial load: its first day, and the days of the count that the load is checked against.
with loads as (

    select
        site_id,
        load_date
    from {{ ref('int_units_loaded') }}
    where times_loaded > 0
    union all
    select
        site_id,
        load_date
    from {{ ref('int_quantities_loaded') }}
    where loaded_quantity > 0

),

first_loads as (

    select
        site_id,
        min(load_date) as go_live_date
    from loads
    group by site_id

)

select
    first_loads.site_id,
    first_loads.go_live_date,
    first_loads.go_live_date - {{ var('rollout_count_days') }} as counted_from_date,
    first_loads.go_live_date + {{ var('rollout_count_days') }} as counted_until_date
from first_loads
where first_loads.go_live_date is not null
