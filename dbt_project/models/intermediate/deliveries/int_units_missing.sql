-- One row per delivery and unit that it names, and that was not received under it, or only after it was overdue.
with named as (

    select * from {{ ref('int_units_announced') }}
    where serial_number is not null

),

clocks as (

    select * from {{ ref('int_delivery_clocks') }}
    where departed_at is not null

),

receipts as (

    select
        delivery_id,
        article_id,
        serial_number,
        min(received_at) as received_at,
        min_by(document_id, received_at) as receipt_document_id,
        min_by(movement_type, received_at) as receipt_movement_type,
        min_by(site_id, received_at) as receipt_site_id
    from {{ ref('int_unit_receipts') }}
    where delivery_id is not null
    group by delivery_id, article_id, serial_number

)

select
    named.delivery_id,
    named.delivery_item,
    named.article_id,
    named.serial_number,
    named.batch_id,
    clocks.lane_kind,
    clocks.origin_id,
    clocks.to_site_id,
    clocks.vendor_id,
    clocks.carrier_id,
    clocks.purchase_order_id,
    clocks.departed_at,
    clocks.expected_at,
    clocks.limit_at,
    clocks.overdue_at,
    clocks.is_whole_missing,
    receipts.received_at,
    receipts.receipt_document_id,
    receipts.receipt_movement_type,
    receipts.receipt_site_id
from named
inner join clocks on named.delivery_id = clocks.delivery_id
left join receipts
    on
        named.delivery_id = receipts.delivery_id
        and named.article_id = receipts.article_id
        and named.serial_number = receipts.serial_number
where receipts.received_at is null or receipts.received_at > clocks.overdue_at
