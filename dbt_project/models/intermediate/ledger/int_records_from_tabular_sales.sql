-- One row per sales line that came through a mapping contract.
{{ config(materialized='view') }}

with sales as (

    select * from {{ ref('stg_tabular__sales') }}

)

select
    'tabular_sales' as source_name,
    7 as source_priority,
    receipt_id || '/' || receipt_line as record_id,
    cast(null as varchar) as version_id,
    cast(null as timestamp) as record_created_at,
    case line_kind when 'return' then '252' else '251' end as movement_type,
    'main' as line_role,
    receipt_id as document_id,
    receipt_line as document_item,
    article_id,
    serial_number,
    sold_date as movement_date,
    sold_at as moved_at,
    site_id,
    cast(null as varchar) as storage_location_id,
    cast(null as varchar) as to_site_id,
    cast(null as varchar) as to_storage_location_id,
    cast(null as varchar) as stock_type_code,
    cast(null as varchar) as special_stock_code,
    cast(null as varchar) as batch_id,
    cast(null as varchar) as valuation_type,
    cast(null as varchar) as vendor_id,
    customer_id,
    cast(null as varchar) as sales_order_id,
    cast(null as varchar) as purchase_order_id,
    cast(null as varchar) as delivery_id,
    cast(null as varchar) as material_document_id,
    cast(null as varchar) as reverses_document_id,
    cast(null as varchar) as reverses_document_item,
    abs(quantity) as quantity,
    cast(null as varchar) as unit_of_measure,
    serial_number is not null as is_unit_record,
    serial_number is null as is_bulk_record,
    file,
    line,
    ingested_at
from sales
where line_kind in ('sale', 'return')
