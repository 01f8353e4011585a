-- One row per receipt line of a till: '-' issues the goods to the customer, '+' takes them back.
{{ config(materialized='view') }}

with receipt_lines as (

    select * from {{ ref('int_receipt_lines') }}

)

select
    'pos' as source_name,
    3 as source_priority,
    receipt_id || '/' || receipt_line as record_id,
    receipt_id as version_id,
    record_created_at,
    case when is_return then '252' else '251' end as movement_type,
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
    quantity,
    cast(null as varchar) as unit_of_measure,
    serial_number is not null as is_unit_record,
    serial_number is null as is_bulk_record,
    file,
    line,
    ingested_at
from receipt_lines
where is_article_known
