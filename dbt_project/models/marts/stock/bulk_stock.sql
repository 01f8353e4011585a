-- One row per site, storage location, article, stock type, special stock and valuation type: what lines without serials leave.
with movements as (

    select * from {{ ref('bulk_movements') }}

),

summed as (

    select
        site_id,
        storage_location_id,
        article_id,
        stock_type_code,
        special_stock_code,
        valuation_type,
        cast(sum(bulk_quantity) as decimal(18, 3)) as bulk_quantity,
        max(movement_date) as last_movement_date
    from movements
    group by site_id, storage_location_id, article_id, stock_type_code, special_stock_code, valuation_type
    having sum(bulk_quantity) <> 0

),

articles as (

    select * from {{ ref('articles') }}

),

stock_types as (

    select * from {{ ref('stock_types') }}

)

select
    summed.site_id,
    summed.storage_location_id,
    summed.article_id,
    articles.article_name,
    summed.stock_type_code,
    stock_types.stock_type_name,
    summed.special_stock_code,
    summed.valuation_type,
    summed.bulk_quantity,
    summed.last_movement_date
from summed
left join articles on summed.article_id = articles.article_id
left join stock_types on summed.stock_type_code = stock_types.stock_type_code
