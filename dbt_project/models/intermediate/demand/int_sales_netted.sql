-- One row per sales line: how many of its units were demand, and at what price.
-- A unit that came back soon was none, unless another of its article went out for it: then the other is none.
{{ config(materialized='view') }}

with lines as (

    select
        *,
        coalesce(customer_id, receipt_id) as buyer_id
    from {{ ref('int_sales_lines') }}
    where article_id is not null

),

returned as (

    select * from {{ ref('returns') }}

),

-- What came back and what went out over one counter, to one buyer, of one article on one day, are paired one to one.
brought_back as (

    select
        receipt_id,
        receipt_line,
        row_number() over (
            partition by article_id, site_id, sold_date, buyer_id order by sold_at, receipt_id, receipt_line
        ) as swap_number,
        article_id,
        site_id,
        sold_date,
        buyer_id
    from lines
    where line_kind = 'return'

),

sales as (

    select
        *,
        row_number() over (
            partition by article_id, site_id, sold_date, buyer_id order by sold_at desc, receipt_id desc, receipt_line desc
        ) as swap_number
    from lines
    where line_kind = 'sale'

),

-- A return of a sale of the same day is a correction of it, and no swap for it.
swaps as (

    select
        sales.source_name,
        sales.receipt_id,
        sales.receipt_line,
        brought_back.receipt_id as return_receipt_id,
        brought_back.receipt_line as return_receipt_line
    from sales
    inner join brought_back
        on
            sales.article_id = brought_back.article_id
            and sales.site_id = brought_back.site_id
            and sales.sold_date = brought_back.sold_date
            and sales.buyer_id = brought_back.buyer_id
            and sales.swap_number = brought_back.swap_number
    inner join returned
        on brought_back.receipt_id = returned.receipt_id and brought_back.receipt_line = returned.receipt_line
    where returned.days_since_sale between 1 and {{ var('demand_netting_days') }}

),

-- Units that came back soon and for which nothing else went out, by the sale that they belong to.
taken_back as (

    select
        returned.sold_receipt_id,
        returned.article_id,
        returned.serial_number,
        sum(returned.units_returned) as units
    from returned
    left join swaps
        on returned.receipt_id = swaps.return_receipt_id and returned.receipt_line = swaps.return_receipt_line
    where
        returned.days_since_sale between 0 and {{ var('demand_netting_days') }}
        and returned.sold_receipt_id is not null
        and swaps.receipt_id is null
    group by returned.sold_receipt_id, returned.article_id, returned.serial_number

),

resold as (

    select
        article_id,
        serial_number,
        min(returned_at) as first_returned_at
    from returned
    where serial_number is not null
    group by article_id, serial_number

)

select
    sales.source_name,
    sales.receipt_id,
    sales.receipt_line,
    sales.article_id,
    sales.site_id,
    sales.campaign_id,
    sales.sold_date as sales_date,
    sales.quantity as units_sold,
    case
        when swaps.receipt_id is not null then 0
        else greatest(sales.quantity - coalesce(taken_back.units, 0), 0)
    end as units_demanded,
    -- What a new unit costs without a campaign; used ones are cheaper.
    case
        when sales.campaign_id is null and sales.quantity > 0 and coalesce(resold.first_returned_at > sales.sold_at, true)
            then cast(sales.amount / sales.quantity as double)
    end as list_price
from sales
left join swaps
    on
        sales.source_name = swaps.source_name
        and sales.receipt_id = swaps.receipt_id
        and sales.receipt_line = swaps.receipt_line
left join taken_back
    on
        sales.receipt_id = taken_back.sold_receipt_id
        and sales.article_id = taken_back.article_id
        and sales.serial_number = taken_back.serial_number
left join resold on sales.article_id = resold.article_id and sales.serial_number = resold.serial_number
