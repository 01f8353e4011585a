-- One row per document whose goods arrived: lane, days under way. The units of one document are one trip.
with deliveries as (

    select
        delivery_id,
        case when max(delivery_type) = 'EL' then 'vendor' else 'delivery' end as lane_kind,
        case when max(delivery_type) = 'EL' then max(vendor_id) else max(from_site_id) end as origin_id,
        max(received_site_id) as to_site_id,
        max(coalesce(goods_issue_actual_at, goods_issue_planned_at)) as departed_at,
        min(first_received_at) as arrived_at,
        max(last_received_at) as completed_at
    from {{ ref('deliveries') }}
    where delivery_type in ('NL', 'NLCC', 'EL')
    group by delivery_id

),

-- Without a delivery: what a removal (303, 313) or a goods issue (351) set on its way, until most of it was placed.
transfers as (

    select
        document_id,
        case
            when from_site_id = to_site_id then 'within_site'
            when movement_type in ('303', '313') then 'transfer'
            else 'delivery'
        end as lane_kind,
        from_site_id as origin_id,
        to_site_id,
        min(departed_at) as departed_at,
        {{ days_after('min(departed_at)', quantile(days_between('departed_at', 'next_moved_at'), 0.5)) }} as arrived_at,
        max(next_moved_at) as completed_at
    from {{ ref('int_unit_departures') }}
    where
        next_movement_type in ('101', '103', '107', '305', '315')
        and next_site_id = to_site_id
        and (delivery_id is null or delivery_id not in (select delivery_id from {{ ref('int_units_announced') }}))
    group by document_id, lane_kind, origin_id, to_site_id

),

trips as (

    select * from deliveries
    where departed_at is not null and arrived_at is not null
    union all
    select * from transfers

)

select
    delivery_id as document_id,
    lane_kind,
    origin_id,
    to_site_id,
    departed_at,
    arrived_at,
    completed_at,
    {{ days_between('departed_at', 'arrived_at') }} as transit_days,
    {{ days_between('arrived_at', 'completed_at') }} as unloading_days
from trips
where arrived_at >= departed_at and origin_id is not null and to_site_id is not null
