-- One row per item of a material document that was read over OData, and unit where it names units.
{{ config(materialized='view') }}

with documents as (

    select * from {{ ref('stg_s4__material_documents') }}

),

movement_types as (

    select * from {{ ref('movement_types') }}
    where line_role = 'main'

),

-- A transfer makes its second line by itself: it says again what the first one does, unless the unit changes its article.
with_roles as (

    select
        documents.*,
        case
            when documents.is_automatic and documents.movement_type in ('309', '310') then 'counter'
            when documents.is_automatic and movement_types.direction = 'transfer' then 'repeated'
            else 'main'
        end as line_role
    from documents
    left join movement_types on documents.movement_type = movement_types.movement_type

)

select
    's4' as source_name,
    1 as source_priority,
    material_document_id || '/' || document_item || '/' || coalesce(serial_number, '') as record_id,
    cast(null as varchar) as version_id,
    record_created_at,
    movement_type,
    line_role,
    document_id,
    document_item,
    article_id,
    serial_number,
    movement_date,
    moved_at,
    site_id,
    storage_location_id,
    case when line_role = 'main' then to_site_id end as to_site_id,
    case when line_role = 'main' then to_storage_location_id end as to_storage_location_id,
    stock_type_code,
    special_stock_code,
    batch_id,
    coalesce(valuation_type, batch_id) as valuation_type,
    vendor_id,
    customer_id,
    sales_order_id,
    purchase_order_id,
    delivery_id,
    material_document_id,
    reverses_document_id,
    reverses_document_item,
    item_quantity as quantity,
    unit_of_measure,
    serial_number is not null as is_unit_record,
    serial_number is null as is_bulk_record,
    file,
    line,
    ingested_at
from with_roles
where line_role <> 'repeated'
