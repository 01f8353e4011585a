-- One row per handheld scan that moves a unit; counts and inspections move nothing.
{{ config(materialized='view') }}

with scans as (

    select * from {{ ref('stg_handheld__scans') }}

),

handheld_actions as (

    select * from {{ ref('handheld_actions') }}

),

-- A scan says what a person did; which movement that is shows in where the unit goes.
told_apart as (

    select
        *,
        case
            when action = 'ship' and delivery_id is not null then 'ship_with_delivery'
            when action = 'ship' and to_site_id is not null then 'ship_to_site'
            when action = 'ship' then 'ship_to_vendor'
            when action = 'transfer' and to_site_id <> site_id and to_storage_location_id is null then 'transfer_out'
            when action = 'transfer' and to_site_id <> site_id then 'transfer_direct'
            when action = 'transfer' and to_site_id = site_id and to_storage_location_id = storage_location_id then 'transfer_in'
            when action = 'transfer' then 'transfer_within_site'
            else action
        end as told_action
    from scans

),

moving as (

    select
        told_apart.*,
        handheld_actions.movement_type
    from told_apart
    inner join handheld_actions on told_apart.told_action = handheld_actions.action

)

select
    'handheld' as source_name,
    5 as source_priority,
    scan_id as record_id,
    scan_id as version_id,
    scanned_at as record_created_at,
    movement_type,
    'main' as line_role,
    document_id,
    cast(null as varchar) as document_item,
    article_id,
    serial_number,
    cast(scanned_at as date) as movement_date,
    scanned_at as moved_at,
    site_id,
    storage_location_id,
    to_site_id,
    to_storage_location_id,
    cast(null as varchar) as stock_type_code,
    cast(null as varchar) as special_stock_code,
    cast(null as varchar) as batch_id,
    cast(null as varchar) as valuation_type,
    vendor_id,
    cast(null as varchar) as customer_id,
    cast(null as varchar) as sales_order_id,
    cast(null as varchar) as purchase_order_id,
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
from moving
