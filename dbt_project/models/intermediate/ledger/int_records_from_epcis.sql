-- One row per event of a partner that stands for a movement and unit, or quantity of an article, in it; a declaration of an error
-- comes without either.
{{ config(materialized='view') }}

with units as (

    select * from {{ ref('int_epcis_units') }}

),

named as (

    select distinct
        record_hash,
        business_transactions
    from units
    where business_transactions is not null

),

transactions as (

    select
        record_hash,
        {{ each_of(json_objects('business_transactions', ['type', 'id'])) }} as transaction
    from named

),

-- An event may name a delivery and an order; what follows the last colon is their number in the sender's system.
numbers as (

    select
        record_hash,
        transaction.type as transaction_type,
        regexp_extract(transaction.id, '([^:/]+)$', 1) as transaction_number
    from transactions

),

documents as (

    select
        record_hash,
        max(case when transaction_type = 'desadv' then {{ without_leading_zeros('transaction_number') }} end) as delivery_id,
        max(case when transaction_type = 'po' then {{ without_leading_zeros('transaction_number') }} end) as purchase_order_id
    from numbers
    group by record_hash

),

-- What lies in a handling unit goes where the handling unit goes; what does not lie there any more is taken back by its version.
told as (

    select
        record_hash,
        content_hash,
        version_id,
        unit_id,
        record_created_at,
        movement_type,
        happened_at,
        site_id,
        destination_site_id,
        is_error_declaration,
        article_id,
        serial_number,
        lot_id,
        quantity,
        unit_of_measure,
        movement_type is not null
        and article_id is not null
        and (serial_number is not null or quantity is not null)
        and not is_withdrawn as is_moved,
        false as is_packed,
        file,
        line,
        known_at
    from units
    union all
    select
        record_hash,
        content_hash,
        version_id || '/' || article_id || '/' || serial_number as version_id,
        unit_id || '/' || article_id || '/' || serial_number as unit_id,
        record_created_at,
        movement_type,
        happened_at,
        site_id,
        destination_site_id,
        is_error_declaration,
        article_id,
        serial_number,
        cast(null as varchar) as lot_id,
        cast(null as double) as quantity,
        cast(null as varchar) as unit_of_measure,
        is_inside and not is_withdrawn as is_moved,
        true as is_packed,
        file,
        line,
        known_at
    from {{ ref('int_epcis_units_packed') }}

),

spoken as (

    select
        told.*,
        documents.delivery_id,
        documents.purchase_order_id
    from told
    left join documents on told.record_hash = documents.record_hash

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
    serial_number is not null or is_error_declaration or is_packed as is_unit_record,
    serial_number is null and not is_packed as is_bulk_record,
    file,
    line,
    known_at as ingested_at
from spoken
where is_moved or is_error_declaration or is_packed
