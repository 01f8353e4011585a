-- One row per delivery and article that came without serial numbers, in another quantity than announced; under way or not.
with clocks as (

    select * from {{ ref('int_delivery_clocks') }}
    where departed_at is not null

),

missing_units as (

    select
        delivery_id,
        article_id,
        count(*) as units
    from {{ ref('int_units_missing') }}
    where received_at is null
    group by delivery_id, article_id

),

surplus_units as (

    select
        delivery_id,
        article_id,
        count(*) as units
    from {{ ref('int_units_surplus') }}
    where delivery_id is not null
    group by delivery_id, article_id

),

quantities as (

    select
        deliveries.delivery_id,
        deliveries.article_id,
        deliveries.units_missing - coalesce(missing_units.units, 0) as quantity_missing,
        deliveries.units_over - coalesce(surplus_units.units, 0) as quantity_over
    from {{ ref('deliveries') }} as deliveries
    left join missing_units
        on deliveries.delivery_id = missing_units.delivery_id and deliveries.article_id = missing_units.article_id
    left join surplus_units
        on deliveries.delivery_id = surplus_units.delivery_id and deliveries.article_id = surplus_units.article_id

),

signed as (

    select
        delivery_id,
        article_id,
        'missing' as role_code,
        quantity_missing as quantity
    from quantities
    where quantity_missing > 0
    union all
    select
        delivery_id,
        article_id,
        'surplus' as role_code,
        quantity_over as quantity
    from quantities
    where quantity_over > 0

)

select
    case
        when signed.role_code = 'surplus' then 'over'
        when clocks.is_whole_missing then 'not_received'
        else 'short'
    end as kind_code,
    signed.role_code,
    clocks.lane_kind,
    clocks.origin_id,
    clocks.to_site_id,
    clocks.delivery_id as document_id,
    clocks.delivery_id,
    clocks.purchase_order_id,
    clocks.vendor_id,
    clocks.carrier_id,
    signed.article_id,
    signed.quantity,
    clocks.departed_at,
    clocks.expected_at,
    case when signed.role_code = 'surplus' then clocks.first_received_at else clocks.overdue_at end as opened_at
from signed
inner join clocks on signed.delivery_id = clocks.delivery_id
