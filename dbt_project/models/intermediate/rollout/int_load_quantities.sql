-- One row per quantity of an article that legacy stock, initial load, or count at cut-over names; a place has several.
{{ config(materialized='view') }}

select
    site_id,
    storage_location_id,
    article_id,
    stock_type_code,
    quantity as legacy_quantity,
    0 as loaded_quantity,
    0 as loaded_in_bulk,
    0 as counted_units,
    cast(null as decimal(15, 3)) as counted_in_bulk,
    0 as units_off
from {{ ref('stg_rollout__legacy_stock') }}
union all
select
    site_id,
    storage_location_id,
    article_id,
    stock_type_code,
    0 as legacy_quantity,
    loaded_quantity,
    loaded_quantity as loaded_in_bulk,
    0 as counted_units,
    null as counted_in_bulk,
    0 as units_off
from {{ ref('int_quantities_loaded') }}
union all
select
    site_id,
    storage_location_id,
    article_id,
    stock_type_code,
    0 as legacy_quantity,
    times_loaded as loaded_quantity,
    0 as loaded_in_bulk,
    0 as counted_units,
    null as counted_in_bulk,
    0 as units_off
from {{ ref('int_units_loaded') }}
union all
-- A unit is counted in the stock type that it was loaded in; one that was not loaded, and goods in bulk, in unrestricted stock.
select
    site_id,
    coalesce(counted_storage_location_id, loaded_storage_location_id, '') as storage_location_id,
    article_id,
    stock_type_code,
    0 as legacy_quantity,
    0 as loaded_quantity,
    0 as loaded_in_bulk,
    case when coalesce(is_counted, false) then 1 else 0 end as counted_units,
    null as counted_in_bulk,
    case when deviation_code is not null then 1 else 0 end as units_off
from {{ ref('int_units_checked') }}
union all
select
    site_id,
    storage_location_id,
    article_id,
    '01' as stock_type_code,
    0 as legacy_quantity,
    0 as loaded_quantity,
    0 as loaded_in_bulk,
    0 as counted_units,
    counted_quantity as counted_in_bulk,
    0 as units_off
from {{ ref('int_cut_over_counts') }}
where serial_number is null
