-- One row per variant, site and day, from its launch to the last day that plans are laid out for, or to its end.
with series as (

    select
        *,
        coalesce(last_date, observed_until + {{ var('planned_days_ahead') }}) as until_date
    from {{ ref('int_demand_series') }}

),

demand as (

    select * from {{ ref('int_demand_daily') }}

),

articles as (

    select * from {{ ref('articles') }}

),

sites as (

    select * from {{ ref('sites') }}

),

calendar as (

    select * from {{ ref('stg_marketing__calendar') }}

),

offers as (

    select * from {{ ref('int_demand_offers') }}

),

days as (

    select
        series.article_id,
        series.site_id,
        cast(day_series.panel_day as date) as ds,
        series.observed_until
    from series
    cross join unnest({{ day_series('series.first_date', 'series.until_date') }}) as day_series (panel_day)

),

-- The price of the last sale without a campaign stands until another is seen.
priced as (

    select
        days.*,
        demand.units_demanded,
        demand.campaign_share,
        demand.opening_units,
        demand.is_stock_out,
        last_value(demand.list_price ignore nulls) over (
            partition by days.article_id, days.site_id order by days.ds rows between unbounded preceding and current row
        ) as list_price
    from days
    left join demand
        on days.article_id = demand.article_id and days.site_id = demand.site_id and days.ds = demand.sales_date

),

compared as (

    select
        *,
        lag(list_price) over (partition by article_id, site_id order by ds) as list_price_before
    from priced

),

dated as (

    select
        *,
        max(case when list_price is distinct from list_price_before then ds end) over (
            partition by article_id, site_id order by ds rows between unbounded preceding and current row
        ) as price_date
    from compared

)

select
    concat(dated.article_id, '/', dated.site_id) as unique_id,
    dated.ds,
    case when dated.ds <= dated.observed_until then cast(coalesce(dated.units_demanded, 0) as double) end as y,
    coalesce(dated.is_stock_out, false) as is_stock_out,
    dated.article_id,
    dated.site_id,
    articles.generic_article_id,
    articles.merchandise_category_code,
    articles.color_name,
    articles.storage_size_name,
    sites.region_code,
    coalesce(calendar.is_holiday, false) as is_holiday,
    coalesce(calendar.is_open, true) as is_open,
    coalesce(offers.discount_pct, 0) as campaign_discount_pct,
    offers.planned_date as campaign_discount_pct_planned_at,
    dated.list_price * (1 - coalesce(offers.discount_pct, 0) / 100) as price,
    -- Known from the day on which both the list price was first seen and the campaign planned.
    greatest(dated.price_date, coalesce(offers.planned_date, dated.price_date)) as price_planned_at,
    cast(dated.campaign_share as double) as campaign_share,
    case when dated.ds <= dated.observed_until then dated.opening_units end as opening_units
from dated
inner join articles on dated.article_id = articles.article_id
left join sites on dated.site_id = sites.site_id
left join calendar on sites.region_code = calendar.region_code and dated.ds = calendar.calendar_date
left join offers on dated.article_id = offers.article_id and dated.site_id = offers.site_id and dated.ds = offers.ds
