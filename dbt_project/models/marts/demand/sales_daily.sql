-- One row per variant, site and day that had sales lines or stock.
with lines as (

    select * from {{ ref('int_sales_lines') }}

),

sold as (

    select
        article_id,
        site_id,
        sold_date as sales_date,
        sum(case when line_kind = 'sale' then quantity else 0 end) as units_sold,
        sum(case when line_kind = 'return' then -quantity else 0 end) as units_returned,
        sum(case when line_kind = 'adjustment' then quantity else 0 end) as units_adjusted,
        sum(case when line_kind = 'other' then quantity else 0 end) as units_not_sold,
        sum(case when line_kind = 'sale' then amount else 0 end) as sales_amount,
        sum(case when line_kind = 'return' then -amount else 0 end) as returns_amount,
        max(currency_code) as currency_code,
        max(campaign_id) as campaign_id
    from lines
    group by article_id, site_id, sold_date

),

-- Unrestricted own stock at the end of the day is what can be sold on the next.
stock as (

    select
        article_id,
        site_id,
        stock_date as sales_date,
        sum(units) as closing_units
    from {{ ref('stock_daily') }}
    where stock_type_code = '01' and special_stock_code = ''
    group by article_id, site_id, stock_date

),

joined as (

    select
        coalesce(sold.article_id, stock.article_id) as article_id,
        coalesce(sold.site_id, stock.site_id) as site_id,
        coalesce(sold.sales_date, stock.sales_date) as sales_date,
        sold.currency_code,
        sold.campaign_id,
        cast(coalesce(sold.units_sold, 0) as decimal(18, 3)) as units_sold,
        cast(coalesce(sold.units_returned, 0) as decimal(18, 3)) as units_returned,
        cast(coalesce(sold.units_sold, 0) - coalesce(sold.units_returned, 0) as decimal(18, 3)) as units_net,
        cast(coalesce(sold.units_adjusted, 0) as decimal(18, 3)) as units_adjusted,
        cast(coalesce(sold.units_not_sold, 0) as decimal(18, 3)) as units_not_sold,
        cast(coalesce(sold.sales_amount, 0) as decimal(18, 2)) as sales_amount,
        cast(coalesce(sold.returns_amount, 0) as decimal(18, 2)) as returns_amount,
        cast(stock.closing_units as integer) as closing_units
    from sold
    full outer join stock
        on sold.article_id = stock.article_id and sold.site_id = stock.site_id and sold.sales_date = stock.sales_date

),

opened as (

    select
        *,
        lag(closing_units) over (partition by article_id, site_id order by sales_date) as opening_units
    from joined

)

select
    article_id,
    site_id,
    sales_date,
    currency_code,
    campaign_id,
    units_sold,
    units_returned,
    units_net,
    units_adjusted,
    units_not_sold,
    sales_amount,
    returns_amount,
    opening_units,
    closing_units,
    -- Sold out: nothing left at the end of the day, so that demand may have been larger than sales. NULL: stock unknown.
    closing_units <= 0 as is_stock_out
from opened
