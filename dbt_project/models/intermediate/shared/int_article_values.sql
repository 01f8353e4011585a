-- One row per article: what one unit of it is worth, by its valuation in the ERP, or else by its newest purchase order.
with valued as (

    select
        article_id,
        avg(unit_price) as unit_value
    from {{ ref('stg_sap__valuations') }}
    where valuation_type is null and unit_price > 0
    group by article_id

),

-- A price of zero, as of stock transfers, is none.
ordered as (

    select
        items.article_id,
        max_by(items.unit_price, (orders.ordered_date, items.purchase_order_id, items.purchase_order_item)) as unit_value
    from {{ ref('stg_sap__purchase_order_items') }} as items
    inner join {{ ref('stg_sap__purchase_orders') }} as orders on items.purchase_order_id = orders.purchase_order_id
    where items.unit_price > 0 and orders.ordered_date is not null
    group by items.article_id

)

select
    coalesce(valued.article_id, ordered.article_id) as article_id,
    cast(coalesce(valued.unit_value, ordered.unit_value) as decimal(18, 2)) as unit_value
from valued
full outer join ordered on valued.article_id = ordered.article_id
