-- One row per article, site, stock type, special stock and day on which it changed: the quantity at its end, and until when.
{{ config(materialized='view') }}

with daily as (

    select
        article_id,
        site_id,
        stock_type_code,
        coalesce(special_stock_code, '') as special_stock_code,
        movement_date,
        sum(bulk_quantity) as change
    from {{ ref('bulk_movements') }}
    where stock_type_code is not null and site_id is not null
    group by all

)

select
    article_id,
    site_id,
    stock_type_code,
    special_stock_code,
    movement_date as valid_from_date,
    lead(movement_date, 1, date '9999-12-31') over stock as valid_to_date,
    cast(change as decimal(18, 3)) as change_quantity,
    cast(sum(change) over stock as decimal(18, 3)) as bulk_quantity
from daily
window stock as (partition by article_id, site_id, stock_type_code, special_stock_code order by movement_date)
