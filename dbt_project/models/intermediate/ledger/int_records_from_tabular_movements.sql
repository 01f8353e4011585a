-- One row per unit and document line that came through a mapping contract.
{{ config(materialized='view') }}

with movements as (

    select * from {{ ref('stg_tabular__movements') }}

)

select
    'tabular' as source_name,
    6 as source_priority,
    document_id || '/' || coalesce(document_item, '') as record_id,
    cast(null as varchar) as version_id,
    cast(null as timestamp) as record_created_at,
    movement_type,
    'main' as line_role,
    document_id,
    document_item,
    article_id,
    serial_number,
    movement_date,
    moved_at,
    site_id,
    storage_location_id,
    to_site_id,
    to_storage_location_id,
    stock_type_code,
    cast(null as varchar) as special_stock_code,
    valuation_type as batch_id,
    valuation_type,
    vendor_id,
    customer_id,
    cast(null as varchar) as sales_order_id,
    purchase_order_id,
    delivery_id,
    cast(null as varchar) as material_document_id,
    cast(null as varchar) as reverses_document_id,
    cast(null as varchar) as reverses_document_item,
    cast(null as decimal(18, 3)) as quantity,
    cast(null as varchar) as unit_of_measure,
    true as is_unit_record,
    false as is_bulk_record,
    file,
    line,
    ingested_at
from movements
