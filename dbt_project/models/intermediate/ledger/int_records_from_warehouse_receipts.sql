-- One row per unit, or line without units, that a warehouse management system received.
{{ config(materialized='view') }}

with receipts as (

    select * from {{ ref('stg_wms__receipts') }}

)

select
    'wms' as source_name,
    4 as source_priority,
    document_id || '/' || document_item as record_id,
    cast(null as varchar) as version_id,
    received_at as record_created_at,
    '101' as movement_type,
    'main' as line_role,
    document_id,
    document_item,
    article_id,
    serial_number,
    cast(received_at as date) as movement_date,
    received_at as moved_at,
    site_id,
    storage_location_id,
    cast(null as varchar) as to_site_id,
    cast(null as varchar) as to_storage_location_id,
    cast(null as varchar) as stock_type_code,
    cast(null as varchar) as special_stock_code,
    cast(null as varchar) as batch_id,
    cast(null as varchar) as valuation_type,
    vendor_id,
    cast(null as varchar) as customer_id,
    cast(null as varchar) as sales_order_id,
    purchase_order_id,
    delivery_id,
    cast(null as varchar) as material_document_id,
    cast(null as varchar) as reverses_document_id,
    cast(null as varchar) as reverses_document_item,
    quantity,
    cast(null as varchar) as unit_of_measure,
    serial_number is not null as is_unit_record,
    serial_number is null as is_bulk_record,
    file,
    line,
    ingested_at
from receipts
