-- One row per event of a partner about a handling unit and unit that was ever packed in it: what lies in it goes where it goes.
-- What did not lie there at that moment comes without a serial number: it only tells that an older version said otherwise.
{{ config(materialized='view') }}

with units as (

    select * from {{ ref('int_epcis_units_packed') }}

),

documents as (

    select * from {{ ref('int_epcis_documents') }}

),

spoken as (

    select
        units.*,
        documents.delivery_id,
        documents.purchase_order_id,
        units.is_inside and not units.is_withdrawn as is_moved
    from units
    left join documents on units.record_hash = documents.record_hash

)

select
    'epcis' as source_name,
    8 as source_priority,
    content_hash || '/' || unit_id || '/' || article_id || '/' || serial_number as record_id,
    version_id || '/' || article_id || '/' || serial_number as version_id,
    record_created_at,
    movement_type,
    'main' as line_role,
    coalesce(delivery_id, 'EPCIS-' || left(content_hash, 16)) as document_id,
    cast(null as varchar) as document_item,
    case when is_moved then article_id end as article_id,
    case when is_moved then serial_number end as serial_number,
    cast(happened_at as date) as movement_date,
    happened_at as moved_at,
    site_id,
    cast(null as varchar) as storage_location_id,
    case when movement_type in ('641', '642') then destination_site_id end as to_site_id,
    cast(null as varchar) as to_storage_location_id,
    cast(null as varchar) as stock_type_code,
    cast(null as varchar) as special_stock_code,
    cast(null as varchar) as batch_id,
    cast(null as varchar) as valuation_type,
    cast(null as varchar) as vendor_id,
    cast(null as varchar) as customer_id,
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
    known_at as ingested_at
from spoken
