-- One row per item, and unit, of a delivery whose goods issue has been posted: the delivery is the document of the issue.
-- Lines that issue nothing come without serial number and quantity: they only tell that the delivery has a newer version.
{{ config(materialized='view') }}

with deliveries as (

    select * from {{ ref('stg_sap__deliveries') }}

),

outbound as (

    select
        *,
        goods_issue_actual_at is not null and not is_deleted as is_issued
    from deliveries
    -- An inbound delivery or a return is announced here, and received by a movement of its own.
    where delivery_type in ('NL', 'NLCC', 'LF')

)

select
    'delivery' as source_name,
    2 as source_priority,
    record_id,
    delivery_id as version_id,
    record_created_at,
    case delivery_type when 'NL' then '641' when 'NLCC' then '643' else '601' end as movement_type,
    'main' as line_role,
    delivery_id as document_id,
    delivery_item as document_item,
    case when is_issued then article_id end as article_id,
    case when is_issued then serial_number end as serial_number,
    cast(goods_issue_actual_at as date) as movement_date,
    goods_issue_actual_at as moved_at,
    from_site_id as site_id,
    from_storage_location_id as storage_location_id,
    case when delivery_type <> 'LF' then ship_to_id end as to_site_id,
    cast(null as varchar) as to_storage_location_id,
    cast(null as varchar) as stock_type_code,
    cast(null as varchar) as special_stock_code,
    batch_id,
    batch_id as valuation_type,
    cast(null as varchar) as vendor_id,
    case when delivery_type = 'LF' then {{ without_leading_zeros('ship_to_id') }} end as customer_id,
    cast(null as varchar) as sales_order_id,
    purchase_order_id,
    delivery_id,
    cast(null as varchar) as material_document_id,
    cast(null as varchar) as reverses_document_id,
    cast(null as varchar) as reverses_document_item,
    case when is_issued then stock_quantity end as quantity,
    stock_unit_of_measure as unit_of_measure,
    true as is_unit_record,
    serial_number is null as is_bulk_record,
    file,
    line,
    ingested_at
from outbound
