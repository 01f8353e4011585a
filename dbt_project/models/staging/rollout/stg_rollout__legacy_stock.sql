-- One row per site, storage location, article and stock type of the newest full load of the site's legacy stock.
with legacy_stock as (

    select * from {{ source('rollout', 'legacy_stock') }}

),

renamed as (

    select
        upper(trim(site)) as site_id,
        upper(trim(storage_location)) as storage_location_id,
        {{ without_leading_zeros('article') }} as article_id,
        trim(stock_type) as stock_type_code,
        stock_on as stock_date,
        quantity,
        dense_rank() over (
            partition by upper(trim(site)) order by stock_on desc, _ingested_at desc, _file desc
        ) as load_age
    from legacy_stock

)

select
    site_id,
    storage_location_id,
    article_id,
    stock_type_code,
    stock_date,
    sum(quantity) as quantity
from renamed
where load_age = 1
group by site_id, storage_location_id, article_id, stock_type_code, stock_date
