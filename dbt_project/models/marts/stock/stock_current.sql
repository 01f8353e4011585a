-- One row per site, storage location, article, stock type, special stock and valuation type that holds units now.
with serials as (

    select * from {{ ref('serials') }}
    where unit_state in ('in_stock', 'in_transit', 'with_vendor')

),

rollout_sites as (

    select * from {{ ref('rollout_sites') }}

),

counted as (

    select
        site_id,
        storage_location_id,
        article_id,
        stock_type_code,
        special_stock_code,
        valuation_type,
        max(article_name) as article_name,
        max(stock_type_name) as stock_type_name,
        max(trust_level) as trust_level,
        cast(count(*) as integer) as units,
        cast(sum(case when has_conflict then 1 else 0 end) as integer) as units_with_conflict,
        min(last_movement_date) as oldest_movement_date,
        max(last_moved_at) as last_moved_at
    from serials
    group by site_id, storage_location_id, article_id, stock_type_code, special_stock_code, valuation_type

)

select
    counted.site_id,
    counted.storage_location_id,
    counted.article_id,
    counted.article_name,
    counted.stock_type_code,
    counted.stock_type_name,
    counted.special_stock_code,
    counted.valuation_type,
    counted.trust_level,
    counted.units,
    counted.units_with_conflict,
    counted.oldest_movement_date,
    counted.last_moved_at,
    coalesce(rollout_sites.is_held, false) as is_site_held
from counted
left join rollout_sites on counted.site_id = rollout_sites.site_id
