-- One row per variant, site and day, from the first day of sales or stock to the last day that plans are laid out for.
-- Reaches back a bounded time, so that one receipt with a wrong year does not make the panel decades long.
with sales as (

    select * from {{ ref('sales_daily') }}

),

articles as (

    select * from {{ ref('articles') }}

),

sites as (

    select * from {{ ref('sites') }}

),

campaigns as (

    select * from {{ ref('stg_marketing__campaigns') }}

),

calendar as (

    select * from {{ ref('stg_marketing__calendar') }}

),

last_day as (

    select
        max(sales_date) as observed_until,
        max(sales_date) - {{ var('panel_history_days') }} as panel_from,
        max(sales_date) + {{ var('planned_days_ahead') }} as planned_until
    from sales
    where units_sold > 0

),

-- What never sold here has no demand to learn from; the first day is that of the first sale or the first stock.
series as (

    select
        sales.article_id,
        sales.site_id,
        min(sales.sales_date) as first_date
    from sales
    inner join last_day on sales.sales_date > last_day.panel_from
    group by sales.article_id, sales.site_id
    having sum(sales.units_sold) > 0

),

days as (

    select
        series.article_id,
        series.site_id,
        cast(day_series.panel_day as date) as ds,
        last_day.observed_until
    from series
    cross join last_day
    cross join unnest({{ day_series('series.first_date', 'last_day.planned_until') }}) as day_series (panel_day)

),

-- Of several campaigns on one day the largest discount counts.
offers as (

    select
        days.article_id,
        days.site_id,
        days.ds,
        max(campaigns.discount_pct) as campaign_discount_pct,
        min(campaigns.planned_date) as campaign_planned_date
    from days
    inner join articles on days.article_id = articles.article_id
    inner join sites on days.site_id = sites.site_id
    inner join campaigns
        on
            articles.generic_article_id = campaigns.generic_article_id
            and days.ds between campaigns.first_date and campaigns.last_date
            and (campaigns.region_code is null or sites.region_code = campaigns.region_code)
    group by days.article_id, days.site_id, days.ds

)

select
    concat(days.article_id, '/', days.site_id) as unique_id,
    days.article_id,
    days.site_id,
    articles.generic_article_id,
    articles.merchandise_category_code,
    sites.region_code,
    days.ds,
    days.observed_until,
    case when days.ds <= days.observed_until then cast(coalesce(sales.units_sold, 0) as double) end as y,
    coalesce(sales.is_stock_out, false) as is_stock_out,
    coalesce(calendar.is_holiday, false) as is_holiday,
    coalesce(calendar.is_open, true) as is_open,
    offers.campaign_discount_pct,
    offers.campaign_planned_date
from days
inner join articles on days.article_id = articles.article_id
left join sites on days.site_id = sites.site_id
left join sales on days.article_id = sales.article_id and days.site_id = sales.site_id and days.ds = sales.sales_date
left join calendar on sites.region_code = calendar.region_code and days.ds = calendar.calendar_date
left join offers on days.article_id = offers.article_id and days.site_id = offers.site_id and days.ds = offers.ds
