-- One row per item of a goods movement that the ERP, or a system posting into it, reported, and unit where it names units.
{{ config(materialized='view') }}

-- A transfer between articles is two lines in the ERP, and one item in the IDoc: the receiving line is made here.
with lines as (

    select
        *,
        'main' as line_role,
        article_id as line_article_id
    from {{ ref('stg_sap__goods_movements') }}
    union all
    select
        *,
        'counter' as line_role,
        to_article_id as line_article_id
    from {{ ref('stg_sap__goods_movements') }}
    where movement_type in ('309', '310') and to_article_id is not null

),

movement_types as (

    select
        movement_type,
        reversal_movement_type,
        is_reversal
    from {{ ref('movement_types') }}
    where line_role = 'main'

),

-- XSTOB marks a line as the reversal of its own movement type.
reversed as (

    select
        lines.*,
        case
            when lines.is_marked_reversal and not coalesce(movement_types.is_reversal, false)
                then coalesce(movement_types.reversal_movement_type, lines.movement_type)
            else lines.movement_type
        end as effective_movement_type
    from lines
    left join movement_types on lines.movement_type = movement_types.movement_type

)

select
    'sap' as source_name,
    1 as source_priority,
    record_id || '/' || line_role as record_id,
    idoc_id as version_id,
    record_created_at,
    effective_movement_type as movement_type,
    line_role,
    document_id,
    document_item,
    line_article_id as article_id,
    serial_number,
    movement_date,
    moved_at,
    site_id,
    storage_location_id,
    to_site_id,
    to_storage_location_id,
    stock_type_code,
    special_stock_code,
    batch_id,
    coalesce(valuation_type, batch_id) as valuation_type,
    vendor_id,
    customer_id,
    sales_order_id,
    purchase_order_id,
    delivery_id,
    cast(null as varchar) as material_document_id,
    reverses_document_id,
    reverses_document_item,
    item_quantity as quantity,
    unit_of_measure,
    serial_number is not null as is_unit_record,
    serial_number is null as is_bulk_record,
    file,
    line,
    ingested_at
from reversed
