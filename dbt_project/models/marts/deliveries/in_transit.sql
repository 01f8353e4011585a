-- One row per unit under way, and per article of a delivery whose units have no serial numbers.
with departures as (

    select
        departures.*,
        case
            when departures.from_site_id = departures.to_site_id then 'within_site'
            when departures.movement_type in ('303', '313') then 'transfer'
            else 'delivery'
        end as lane_kind
    from {{ ref('int_unit_departures') }} as departures
    where departures.next_moved_at is null

),

-- A vendor's units are in no ledger before they arrive; what was seen anywhere is under way no more.
expected as (

    select missing.*
    from {{ ref('int_units_missing') }} as missing
    left join {{ ref('int_serial_states') }} as states
        on missing.article_id = states.article_id and missing.serial_number = states.serial_number
    where missing.lane_kind = 'vendor' and missing.received_at is null and states.serial_number is null

),

under_way as (

    select
        lane_kind,
        from_site_id as origin_id,
        to_site_id,
        document_id,
        delivery_id,
        movement_type,
        article_id,
        serial_number,
        cast(1 as decimal(18, 3)) as quantity,
        departed_at
    from departures
    union all
    select
        lane_kind,
        origin_id,
        to_site_id,
        delivery_id as document_id,
        delivery_id,
        cast(null as varchar) as movement_type,
        article_id,
        serial_number,
        cast(1 as decimal(18, 3)) as quantity,
        departed_at
    from expected
    union all
    select
        lane_kind,
        origin_id,
        to_site_id,
        document_id,
        delivery_id,
        cast(null as varchar) as movement_type,
        article_id,
        cast(null as varchar) as serial_number,
        cast(quantity as decimal(18, 3)) as quantity,
        departed_at
    from {{ ref('int_discrepancies_in_bulk') }}
    where role_code = 'missing'

),

ledger as (

    -- A date beyond the delivery of its record is an error, and must not make everything late.
    select least(max(moved_at), max(ingested_at)) as as_of_at from {{ ref('serial_movements') }}

),

limited as (

    select
        under_way.*,
        {{ days_between('under_way.departed_at', 'ledger.as_of_at') }} as days_under_way,
        coalesce(lanes.usual_days, networks.usual_days) as usual_days,
        coalesce(lanes.limit_days, networks.limit_days, {{ var('delivery_grace_days') }}) as limit_days
    from under_way
    cross join ledger
    left join {{ ref('int_lane_limits') }} as lanes
        on
            under_way.lane_kind = lanes.lane_kind
            and under_way.origin_id = lanes.origin_id
            and under_way.to_site_id = lanes.to_site_id
    left join {{ ref('int_lane_limits') }} as networks
        on under_way.lane_kind = networks.lane_kind and networks.origin_id = ''

)

select
    document_id,
    article_id,
    coalesce(serial_number, '') as serial_number,
    delivery_id,
    movement_type,
    lane_kind,
    origin_id,
    to_site_id,
    cast(quantity as decimal(18, 3)) as unit_quantity,
    departed_at,
    cast(days_under_way as double) as days_under_way,
    cast(usual_days as double) as usual_days,
    cast(limit_days as double) as limit_days,
    cast(greatest(days_under_way - limit_days, 0) as double) as overdue_days,
    {{ days_after('departed_at', 'usual_days') }} as expected_at
from limited
