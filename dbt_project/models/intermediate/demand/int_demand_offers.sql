-- One row per variant, site and day of a campaign: the discount, and the day by which it was known.
{{ config(materialized='view') }}

with series as (

    select * from {{ ref('int_demand_series') }}

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

demand as (

    select * from {{ ref('int_demand_daily') }}
    where campaign_id is not null

),

planned as (

    select
        series.article_id,
        series.site_id,
        campaigns.discount_pct,
        campaigns.planned_date,
        -- No further than the panel reaches: a wrong year must not fill decades.
        greatest(campaigns.first_date, series.first_date) as first_date,
        least(campaigns.last_date, series.observed_until + {{ var('planned_days_ahead') }}) as last_date
    from series
    inner join articles on series.article_id = articles.article_id
    inner join sites on series.site_id = sites.site_id
    inner join campaigns
        on
            articles.generic_article_id = campaigns.generic_article_id
            and (campaigns.region_code is null or sites.region_code = campaigns.region_code)

),

planned_days as (

    select
        planned.article_id,
        planned.site_id,
        cast(day_series.offer_day as date) as ds,
        planned.discount_pct,
        planned.planned_date
    from planned
    cross join unnest({{ day_series('planned.first_date', 'planned.last_date') }}) as day_series (offer_day)

),

-- Receipts tell of campaigns that no calendar announced for this place; nobody knew of them before the day.
told as (

    select
        demand.article_id,
        demand.site_id,
        demand.sales_date as ds,
        max(campaigns.discount_pct) as discount_pct,
        demand.sales_date as planned_date
    from demand
    inner join campaigns on demand.campaign_id = campaigns.campaign_id
    group by demand.article_id, demand.site_id, demand.sales_date

),

offers as (

    select * from planned_days
    union all
    select told.* from told
    left join planned_days
        on told.article_id = planned_days.article_id and told.site_id = planned_days.site_id and told.ds = planned_days.ds
    where planned_days.ds is null

),

ranked as (

    select
        *,
        row_number() over (partition by article_id, site_id, ds order by discount_pct desc, planned_date asc) as preference
    from offers

)

-- Of several campaigns on one day the largest discount counts.
select
    article_id,
    site_id,
    ds,
    discount_pct,
    planned_date
from ranked
where preference = 1
