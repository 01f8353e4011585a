-- One row per delivery and article, announced or received.
with announced as (

    select * from {{ ref('int_delivery_items_announced') }}

),

headers as (

    select
        delivery_id,
        max(delivery_type) as delivery_type,
        max(from_site_id) as from_site_id,
        max(ship_to_id) as ship_to_id,
        max(vendor_id) as vendor_id,
        max(carrier_id) as carrier_id,
        max(tracking_number) as tracking_number,
        max(external_delivery_id) as external_delivery_id,
        max(purchase_order_id) as purchase_order_id,
        max(goods_issue_planned_at) as goods_issue_planned_at,
        max(goods_issue_actual_at) as goods_issue_actual_at,
        max(delivery_planned_at) as delivery_planned_at
    from announced
    group by delivery_id

),

received as (

    select * from {{ ref('int_delivery_units_received') }}

),

handling_units as (

    select
        delivery_id,
        count(distinct handling_unit_id) as handling_units
    from {{ ref('stg_sap__handling_units') }}
    group by delivery_id

),

ledger as (

    -- A date beyond the delivery of its record is an error, and must not make everything late.
    select least(max(moved_at), max(ingested_at)) as as_of_at from {{ ref('serial_movements') }}

),

compared as (

    select
        coalesce(announced.delivery_id, received.delivery_id) as delivery_id,
        coalesce(announced.article_id, received.article_id) as article_id,
        announced.delivery_id is not null as is_announced,
        coalesce(announced.units_announced, 0) as units_announced,
        coalesce(received.units_received, 0) as units_received,
        -- By unit where both sides read serials, else by quantity. Units that the document counts without naming them are
        -- met by received units that it does not name.
        greatest(coalesce(announced.units_announced, 0) - coalesce(announced.serials_announced, 0), 0)
            as units_without_name_announced,
        coalesce(received.units_received, 0) - coalesce(received.announced_units_received, 0) as units_without_name_received,
        case
            when coalesce(received.bulk_units_received, 0) = 0
                then
                    coalesce(announced.serials_announced, 0) - coalesce(received.announced_units_received, 0)
                    + greatest(units_without_name_announced - units_without_name_received, 0)
            else greatest(coalesce(announced.units_announced, 0) - coalesce(received.units_received, 0), 0)
        end as units_missing,
        case
            when coalesce(received.bulk_units_received, 0) = 0
                then greatest(units_without_name_received - units_without_name_announced, 0)
            else greatest(coalesce(received.units_received, 0) - coalesce(announced.units_announced, 0), 0)
        end as units_over,
        received.received_site_id,
        received.first_received_at,
        received.last_received_at
    from announced
    full outer join received
        on announced.delivery_id = received.delivery_id and announced.article_id = received.article_id

),

totalled as (

    select
        *,
        sum(units_received) over (partition by delivery_id) as delivery_units_received,
        bool_or(is_announced) over (partition by delivery_id) as is_delivery_announced
    from compared

),

judged as (

    select
        totalled.*,
        headers.delivery_type,
        headers.from_site_id,
        headers.ship_to_id,
        headers.vendor_id,
        headers.carrier_id,
        headers.tracking_number,
        headers.external_delivery_id,
        headers.purchase_order_id,
        headers.goods_issue_planned_at,
        headers.goods_issue_actual_at,
        headers.delivery_planned_at,
        handling_units.handling_units,
        case
            when headers.delivery_type in ('LF', 'LR') then 'none'
            when not totalled.is_delivery_announced then 'not_announced'
            when not totalled.is_announced then 'wrong_article'
            when totalled.delivery_units_received = 0
                then case
                    when
                        coalesce(headers.delivery_planned_at, headers.goods_issue_actual_at)
                        + interval {{ var('delivery_grace_days') }} day < ledger.as_of_at
                        then 'not_received'
                    else 'open'
                end
            when headers.delivery_type in ('NL', 'NLCC') and headers.goods_issue_actual_at is null then 'no_goods_issue'
            when totalled.units_missing > 0 and totalled.units_over > 0 then 'short_and_over'
            when totalled.units_missing > 0 then 'short'
            when totalled.units_over > 0 then 'over'
            else 'none'
        end as discrepancy_code
    from totalled
    cross join ledger
    left join headers on totalled.delivery_id = headers.delivery_id
    left join handling_units on totalled.delivery_id = handling_units.delivery_id

)

select
    delivery_id,
    article_id,
    delivery_type,
    external_delivery_id,
    purchase_order_id,
    from_site_id,
    ship_to_id,
    received_site_id,
    vendor_id,
    carrier_id,
    tracking_number,
    discrepancy_code,
    cast(units_announced as decimal(18, 3)) as units_announced,
    cast(units_received as decimal(18, 3)) as units_received,
    cast(units_missing as decimal(18, 3)) as units_missing,
    cast(units_over as decimal(18, 3)) as units_over,
    cast(coalesce(handling_units, 0) as integer) as handling_units,
    goods_issue_planned_at,
    goods_issue_actual_at,
    delivery_planned_at,
    first_received_at,
    last_received_at
from judged
