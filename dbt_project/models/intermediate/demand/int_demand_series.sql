-- One row per variant and site that sold, could sell, or is to be launched, within the demand panel's reach: from launch to end.
{{ config(materialized='view') }}

with demand as (

    select * from {{ ref('int_demand_daily') }}

),

articles as (

    select * from {{ ref('articles') }}

),

seen as (

    select
        article_id,
        site_id,
        max(observed_until) as observed_until,
        min(case when units_sold > 0 then sales_date end) as first_sale_date,
        min(case when closing_units > 0 or opening_units > 0 then sales_date end) as first_stock_date,
        max(case when units_sold > 0 or closing_units > 0 or opening_units > 0 then sales_date end) as last_sign_date,
        max(closing_units) is not null as is_stock_known
    from demand
    group by article_id, site_id

),

-- A warehouse holds stock and sells nothing: what lies there unsold is no series.
selling as (

    select
        seen.site_id,
        articles.merchandise_category_code,
        max(seen.observed_until) as observed_until
    from seen
    inner join articles on seen.article_id = articles.article_id
    where seen.first_sale_date is not null
    group by seen.site_id, articles.merchandise_category_code

),

listed as (

    select
        seen.article_id,
        seen.site_id,
        seen.observed_until,
        -- Goods lie there before they may be sold: the launch starts demand, or the first sale where that came first.
        case
            when seen.first_stock_date is null then seen.first_sale_date
            else
                least(
                    coalesce(seen.first_sale_date, date '9999-12-31'),
                    greatest(seen.first_stock_date, coalesce(articles.launch_date, seen.first_stock_date))
                )
        end as first_date,
        -- Neither stock nor sales for long: the site has given the article up, and asks for none.
        case
            when
                seen.is_stock_known
                and seen.observed_until - seen.last_sign_date >= {{ var('demand_delisted_days') }}
                then seen.last_sign_date
        end as last_date
    from seen
    inner join articles on seen.article_id = articles.article_id
    where
        seen.first_sale_date is not null
        or (seen.first_stock_date is not null and seen.site_id in (select selling.site_id from selling))

),

-- Launches within the reach of plans, at every site that sells goods of their category.
planned as (

    select
        articles.article_id,
        selling.site_id,
        selling.observed_until,
        articles.launch_date as first_date
    from articles
    inner join selling on articles.merchandise_category_code = selling.merchandise_category_code
    where
        articles.launch_date > selling.observed_until
        and articles.launch_date <= selling.observed_until + {{ var('planned_days_ahead') }}

)

select
    article_id,
    site_id,
    observed_until,
    first_date,
    last_date
from listed
union all
select
    planned.article_id,
    planned.site_id,
    planned.observed_until,
    planned.first_date,
    null as last_date
from planned
left join listed on planned.article_id = listed.article_id and planned.site_id = listed.site_id
where listed.article_id is null
