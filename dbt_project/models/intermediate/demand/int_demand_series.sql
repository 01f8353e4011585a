-- One row per variant and site that ever sold, within the demand panel's reach: from its launch to its end.
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

)

select
    seen.article_id,
    seen.site_id,
    seen.observed_until,
    -- Goods lie there before they may be sold: the launch starts demand, or the first sale where that came first.
    case
        when seen.first_stock_date is null then seen.first_sale_date
        else least(seen.first_sale_date, greatest(seen.first_stock_date, coalesce(articles.launch_date, seen.first_stock_date)))
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
where seen.first_sale_date is not null
