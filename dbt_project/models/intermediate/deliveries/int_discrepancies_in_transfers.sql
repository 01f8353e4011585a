-- One row per unit that a transfer without a delivery left under way beyond the limit of its lane.
with departures as (

    select
        departures.*,
        case
            when departures.from_site_id = departures.to_site_id then 'within_site'
            when departures.movement_type in ('303', '313') then 'transfer'
            else 'delivery'
        end as lane_kind
    from {{ ref('int_unit_departures') }} as departures
    where
        departures.delivery_id is null
        or departures.delivery_id not in (select delivery_id from {{ ref('int_delivery_clocks') }})

),

overdue_departures as (

    select
        departures.*,
        {{ days_after('departures.departed_at',
            'coalesce(lanes.limit_days, networks.limit_days, ' ~ var('delivery_grace_days') ~ ')') }} as overdue_at
    from departures
    left join {{ ref('int_lane_limits') }} as lanes
        on
            departures.lane_kind = lanes.lane_kind
            and departures.from_site_id = lanes.origin_id
            and departures.to_site_id = lanes.to_site_id
    left join {{ ref('int_lane_limits') }} as networks
        on departures.lane_kind = networks.lane_kind and networks.origin_id = ''

),

transfers_found as (

    select
        case when movement_type in ('303', '313') then 'placement_missing' else 'transfer_not_received' end as kind_code,
        'missing' as role_code,
        lane_kind,
        from_site_id as origin_id,
        to_site_id,
        document_id,
        delivery_id,
        document_item as delivery_item,
        purchase_order_id,
        cast(null as varchar) as vendor_id,
        cast(null as varchar) as carrier_id,
        article_id,
        serial_number,
        batch_id,
        valuation_type,
        cast(null as varchar) as storage_location_id,
        departed_at,
        overdue_at as opened_at
    from overdue_departures
    -- What a count found was booked in by nobody, however soon.
    where
        next_moved_at is null
        or next_moved_at > overdue_at
        or next_movement_type not in ('101', '103', '107', '305', '315')

)

select
    *,
    cast(null as timestamp) as resolved_at,
    cast(null as varchar) as resolved_document_id,
    cast(null as varchar) as resolved_movement_type,
    cast(null as varchar) as resolved_site_id
from transfers_found
