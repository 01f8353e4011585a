-- One row per delivery and article: what the delivery document announced.
with newest as (

    select * from {{ ref('int_delivery_lines') }}

),

-- The quantity of an item stands on each of its units; a main item of a batch split announces through its sub-items.
items as (

    select
        delivery_id,
        delivery_item,
        article_id,
        max(item_quantity) as item_quantity,
        count(serial_number) as units_with_serial
    from newest
    where article_id is not null
    group by delivery_id, delivery_item, article_id

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
    from newest
    group by delivery_id

),

articles as (

    select
        delivery_id,
        article_id,
        sum(item_quantity) as units_announced,
        sum(units_with_serial) as serials_announced
    from items
    group by delivery_id, article_id

)

select
    headers.*,
    articles.article_id,
    articles.units_announced,
    articles.serials_announced
from headers
inner join articles on headers.delivery_id = articles.delivery_id
