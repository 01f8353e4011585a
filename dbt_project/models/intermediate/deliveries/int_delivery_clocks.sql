-- One row per delivery between two sites, or from a vendor, that has left: its lane, and from when what is missing is overdue.
with announced as (

    select
        delivery_id,
        max(delivery_type) as delivery_type,
        max(from_site_id) as from_site_id,
        max(ship_to_id) as ship_to_id,
        max(vendor_id) as vendor_id,
        max(carrier_id) as carrier_id,
        max(purchase_order_id) as purchase_order_id,
        max(goods_issue_actual_at) as goods_issue_actual_at,
        max(goods_issue_planned_at) as goods_issue_planned_at,
        max(delivery_planned_at) as delivery_planned_at
    from {{ ref('int_delivery_items_announced') }}
    where delivery_type in ('NL', 'NLCC', 'EL')
    group by delivery_id

),

received as (

    select
        delivery_id,
        max(received_site_id) as received_site_id,
        min(first_received_at) as first_received_at
    from {{ ref('int_delivery_units_received') }}
    group by delivery_id

),

laned as (

    select
        announced.delivery_id,
        announced.delivery_type,
        announced.vendor_id,
        announced.carrier_id,
        announced.purchase_order_id,
        announced.goods_issue_actual_at,
        case when announced.delivery_type = 'EL' then 'vendor' else 'delivery' end as lane_kind,
        case when announced.delivery_type = 'EL' then announced.vendor_id else announced.from_site_id end as origin_id,
        -- A vendor's delivery names the receiving site as the one that ships, too.
        case
            when announced.delivery_type = 'EL' then coalesce(announced.ship_to_id, announced.from_site_id)
            else announced.ship_to_id
        end as to_site_id,
        case
            when announced.delivery_type = 'EL'
                then coalesce(announced.goods_issue_actual_at, announced.goods_issue_planned_at, announced.delivery_planned_at)
            else announced.goods_issue_actual_at
        end as departed_at,
        received.received_site_id,
        received.first_received_at
    from announced
    left join received on announced.delivery_id = received.delivery_id

),

limited as (

    select
        laned.*,
        coalesce(lanes.usual_days, networks.usual_days) as usual_days,
        coalesce(lanes.limit_days, networks.limit_days, {{ var('delivery_grace_days') }}) as limit_days,
        coalesce(networks.unloading_days, 0) as unloading_days
    from laned
    left join {{ ref('int_lane_limits') }} as lanes
        on
            laned.lane_kind = lanes.lane_kind
            and laned.origin_id = lanes.origin_id
            and laned.to_site_id = lanes.to_site_id
    left join {{ ref('int_lane_limits') }} as networks
        on laned.lane_kind = networks.lane_kind and networks.origin_id = ''

),

timed as (

    select
        *,
        {{ days_after('departed_at', 'usual_days') }} as expected_at,
        {{ days_after('departed_at', 'limit_days') }} as limit_at,
        -- Once unloading has begun, what is not booked in a day after it is usually done is not there.
        {{ days_after('first_received_at', 'unloading_days + 1') }} as unloaded_at
    from limited

)

select
    *,
    least(limit_at, unloaded_at) as overdue_at,
    coalesce(first_received_at > limit_at, true) as is_whole_missing
from timed
