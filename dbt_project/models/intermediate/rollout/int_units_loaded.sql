-- One row per unit, site, storage location and stock type of its initial load.
{{ config(materialized='incremental', incremental_strategy='replace_units', on_schema_change='fail', meta={'in_buckets': true}) }}

with movements as (

    {{ movements_of_units() }}

),

-- A reversal leaves the place blank, or names where the unit was: it is of the site and stock type that it takes back.
loads as (

    select
        article_id,
        serial_number,
        coalesce(case when is_reversal then from_site_id else to_site_id end, to_site_id, from_site_id) as site_id,
        coalesce(
            case when is_reversal then from_storage_location_id else to_storage_location_id end,
            to_storage_location_id,
            from_storage_location_id,
            ''
        ) as storage_location_id,
        case when movement_type in ('561', '562') then '01' when movement_type in ('563', '564') then '02' else '07' end
            as stock_type_code,
        case when movement_type in ('561', '563', '565') then 1 else -1 end as times,
        movement_date,
        unit_ingested_at
    from movements
    where movement_type in ('561', '562', '563', '564', '565', '566')

)

select
    article_id,
    serial_number,
    site_id,
    storage_location_id,
    stock_type_code,
    cast(sum(times) as integer) as times_loaded,
    min(case when times > 0 then movement_date end) as load_date,
    max(unit_ingested_at) as ingested_at
from loads
where site_id is not null
group by article_id, serial_number, site_id, storage_location_id, stock_type_code
