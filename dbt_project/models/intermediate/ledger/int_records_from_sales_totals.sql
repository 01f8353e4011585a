-- One row per article of a till's totals: what it sold, or took back, without naming receipts or units.
{{ config(materialized='view') }}

with sales_totals as (

    select * from {{ ref('stg_pos__sales_totals') }}

),

gtins as (

    select * from {{ ref('stg_sap__article_gtins') }}

)

select
    'pos_totals' as source_name,
    9 as source_priority,
    sales_totals.document_id || '/' || sales_totals.document_item as record_id,
    sales_totals.idoc_id as version_id,
    sales_totals.record_created_at,
    case when sales_totals.is_return then '252' else '251' end as movement_type,
    'main' as line_role,
    sales_totals.document_id,
    sales_totals.document_item,
    coalesce(gtins.article_id, sales_totals.article_id) as article_id,
    cast(null as varchar) as serial_number,
    sales_totals.sold_date as movement_date,
    cast(null as timestamp) as moved_at,
    sales_totals.site_id,
    cast(null as varchar) as storage_location_id,
    cast(null as varchar) as to_site_id,
    cast(null as varchar) as to_storage_location_id,
    cast(null as varchar) as stock_type_code,
    cast(null as varchar) as special_stock_code,
    cast(null as varchar) as batch_id,
    cast(null as varchar) as valuation_type,
    cast(null as varchar) as vendor_id,
    cast(null as varchar) as customer_id,
    cast(null as varchar) as sales_order_id,
    cast(null as varchar) as purchase_order_id,
    cast(null as varchar) as delivery_id,
    cast(null as varchar) as material_document_id,
    cast(null as varchar) as reverses_document_id,
    cast(null as varchar) as reverses_document_item,
    sales_totals.quantity,
    cast(null as varchar) as unit_of_measure,
    false as is_unit_record,
    true as is_bulk_record,
    sales_totals.file,
    sales_totals.line,
    greatest(sales_totals.ingested_at, gtins.ingested_at) as ingested_at
from sales_totals
left join gtins on sales_totals.article_qualifier = 'EAN1' and sales_totals.article_id = gtins.gtin_code
where sales_totals.article_qualifier <> 'EAN1' or gtins.article_id is not null
