-- One row per lane, and per kind of lanes: usual transit time and limit. The row of a kind, without ends, serves lanes without
-- trips.
with trips as (

    select * from {{ ref('int_lane_trips') }}

),

networks as (

    select
        lane_kind,
        count(*) as trips,
        {{ quantile('transit_days', 0.5) }} as median_days,
        {{ quantile('transit_days', 0.95) }} as high_days,
        -- Between the first and the last unit of a document that were booked in.
        {{ quantile('unloading_days', 0.99) }} as unloading_days,
        max(arrived_at) as last_arrived_at
    from trips
    group by lane_kind

),

own as (

    select
        lane_kind,
        origin_id,
        to_site_id,
        count(*) as trips,
        {{ quantile('transit_days', 0.5) }} as median_days,
        {{ quantile('transit_days', 0.95) }} as high_days,
        max(arrived_at) as last_arrived_at
    from trips
    group by lane_kind, origin_id, to_site_id

),

-- A lane's own trips weigh as many as they are, the network's as much as `lane_prior_trips` of them.
shrunk as (

    select
        own.lane_kind,
        own.origin_id,
        own.to_site_id,
        own.trips,
        own.median_days,
        own.high_days,
        (own.trips * own.median_days + {{ var('lane_prior_trips') }} * networks.median_days)
        / (own.trips + {{ var('lane_prior_trips') }}) as usual_days,
        (own.trips * own.high_days + {{ var('lane_prior_trips') }} * networks.high_days)
        / (own.trips + {{ var('lane_prior_trips') }}) as late_days,
        networks.unloading_days,
        networks.trips as network_trips,
        own.last_arrived_at
    from own
    inner join networks on own.lane_kind = networks.lane_kind
    union all
    select
        lane_kind,
        '' as origin_id,
        '' as to_site_id,
        trips,
        median_days,
        high_days,
        median_days as usual_days,
        high_days as late_days,
        unloading_days,
        trips as network_trips,
        last_arrived_at
    from networks

)

select
    lane_kind,
    origin_id,
    to_site_id,
    trips,
    network_trips,
    unloading_days,
    last_arrived_at,
    -- To nine seconds.
    round(median_days, 4) as median_days,
    round(high_days, 4) as high_days,
    round(usual_days, 4) as usual_days,
    round(late_days, 4) as late_days,
    -- As far beyond the high quantile as that lies beyond the median; a day at least, since goods are booked in by the day.
    round(late_days + greatest(late_days - usual_days, 1), 4) as limit_days
from shrunk
