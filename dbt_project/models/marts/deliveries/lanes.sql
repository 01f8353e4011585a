-- One row per lane on which goods have arrived.
select
    lane_kind,
    origin_id,
    to_site_id,
    cast(trips as integer) as trips,
    cast(network_trips as integer) as network_trips,
    median_days,
    high_days,
    usual_days,
    limit_days,
    last_arrived_at
from {{ ref('int_lane_limits') }}
where origin_id <> ''
