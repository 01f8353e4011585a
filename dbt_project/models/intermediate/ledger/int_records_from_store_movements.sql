-- One row per line of a goods movement that a store reported, and unit where it names one.
{{ config(materialized='view') }}

with store_movements as (

    select * from {{ ref('stg_pos__store_movements') }}

),

gtins as (

    select * from {{ ref('stg_sap__article_gtins') }}

)

select
    'pos' as source_name,
    3 as source_priority,
    store_movements.record_id,
    store_movements.idoc_id as version_id,
    store_movements.record_created_at,
    store_movements.movement_type,
    'main' as line_role,
    store_movements.document_id,
    store_movements.document_item,
    coalesce(gtins.article_id, store_movements.article_id) as article_id,
    store_movements.serial_number,
    store_movements.movement_date,
    case
        when cast(store_movements.record_created_at as date) = store_movements.movement_date
            then store_movements.record_created_at
    end as moved_at,
    store_movements.site_id,
    store_movements.storage_location_id,
    store_movements.to_site_id,
    store_movements.to_storage_location_id,
    cast(null as varchar) as stock_type_code,
    cast(null as varchar) as special_stock_code,
    cast(null as varchar) as batch_id,
    cast(null as varchar) as valuation_type,
    store_movements.vendor_id,
    cast(null as varchar) as customer_id,
    cast(null as varchar) as sales_order_id,
    store_movements.purchase_order_id,
    cast(null as varchar) as delivery_id,
    cast(null as varchar) as material_document_id,
    cast(null as varchar) as reverses_document_id,
    cast(null as varchar) as reverses_document_item,
    store_movements.quantity,
    store_movements.unit_of_measure,
    store_movements.serial_number is not null as is_unit_record,
    store_movements.serial_number is null as is_bulk_record,
    store_movements.file,
    store_movements.line,
    greatest(store_movements.ingested_at, gtins.ingested_at) as ingested_at
from store_movements
left join gtins on store_movements.article_qualifier = 'EAN1' and store_movements.article_id = gtins.gtin_code
-- A trade item number that no article has yet names no article; the line waits for its master data.
where store_movements.article_qualifier <> 'EAN1' or gtins.article_id is not null
