-- One row per article, site, stock type, special stock and day, from the first day that held any: units at the end of the day.
-- A view: what the stock is worth changes with master data, and for all days at once.
{{ config(materialized='view') }}

with counted as (

    select * from {{ ref('int_stock_counted_daily') }}

),

trusted as (

    select * from {{ ref('int_article_sites_trusted') }}

)

select
    counted.article_id,
    counted.site_id,
    counted.stock_date,
    counted.stock_type_code,
    counted.special_stock_code,
    coalesce(trusted.trust_level, 'unknown') as trust_level,
    counted.units,
    counted.ingested_at
from counted
left join trusted on counted.article_id = trusted.article_id and counted.site_id = trusted.site_id
