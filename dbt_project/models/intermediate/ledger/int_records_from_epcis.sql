-- One row per event of a partner that stands for a movement and unit, or quantity of an article, in it; a declaration of an error
-- comes without either.
{{ config(materialized='view') }}

with units as (

    select * from {{ ref('int_epcis_units') }}

),

documents as (

    select * from {{ ref('int_epcis_documents') }}

),

spoken as (

    select
        units.*,
        documents.delivery_id,
        documents.purchase_order_id,
        units.movement_type is not null
        and units.article_id is not null
        and (units.serial_number is not null or units.quantity is not null)
        and not units.is_withdrawn as is_moved
    from units
    left join documents on units.record_hash = documents.record_hash

)

select
    'epcis' as source_name,
    8 as source_priority,
    content_hash || '/' || unit_id as record_id,
    version_id,
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
    lot_id as batch_id,
    cast(null as varchar) as valuation_type,
    cast(null as varchar) as vendor_id,
    cast(null as varchar) as customer_id,
    cast(null as varchar) as sales_order_id,
    purchase_order_id,
    delivery_id,
    cast(null as varchar) as material_document_id,
    cast(null as varchar) as reverses_document_id,
    cast(null as varchar) as reverses_document_item,
    case when is_moved then cast(quantity as decimal(18, 3)) end as quantity,
    unit_of_measure,
    serial_number is not null or is_error_declaration as is_unit_record,
    serial_number is null as is_bulk_record,
    file,
    line,
    known_at as ingested_at
from spoken
where is_moved or is_error_declaration
