-- One row per variant, site and day with sales or stock, as far back as the demand panel reaches: demand as sales show it.
-- Reaches back a bounded time, so that one receipt with a wrong year does not make the panel decades long.
{{ config(materialized='view') }}

with sales_daily as (

    select * from {{ ref('sales_daily') }}

),

last_day as (

    select
        max(sales_date) as observed_until,
        max(sales_date) - {{ var('panel_history_days') }} as panel_from
    from sales_daily
    where units_sold > 0

),

netted as (

    select
        article_id,
        site_id,
        sales_date,
        sum(units_demanded) as units_demanded,
        max(list_price) as list_price,
        min(campaign_id) as campaign_id,
        sum(case when campaign_id is not null then units_sold else 0 end) as units_sold_in_campaign
    from {{ ref('int_sales_netted') }}
    group by article_id, site_id, sales_date

)

select
    sales_daily.article_id,
    sales_daily.site_id,
    sales_daily.sales_date,
    last_day.observed_until,
    sales_daily.units_sold,
    coalesce(netted.units_demanded, 0) as units_demanded,
    netted.list_price,
    netted.campaign_id,
    case
        when sales_daily.units_sold > 0 then coalesce(netted.units_sold_in_campaign, 0) / sales_daily.units_sold
    end as campaign_share,
    sales_daily.opening_units,
    sales_daily.closing_units,
    -- Nothing left in the evening: sales are what was asked for before the last unit went, or nothing where none was there.
    coalesce(sales_daily.closing_units <= 0, sales_daily.opening_units <= 0 and sales_daily.units_sold = 0, false) as is_stock_out
from sales_daily
cross join last_day
left join netted
    on
        sales_daily.article_id = netted.article_id
        and sales_daily.site_id = netted.site_id
        and sales_daily.sales_date = netted.sales_date
where sales_daily.sales_date > last_day.panel_from and sales_daily.sales_date <= last_day.observed_until
