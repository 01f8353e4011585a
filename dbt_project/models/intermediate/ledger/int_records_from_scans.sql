-- One row per handheld scan that moves a unit; counts and inspections move nothing.
{{ config(materialized='view') }}

with scans as (

    select * from {{ ref('stg_handheld__scans') }}

),

handheld_actions as (

    select * from {{ ref('handheld_actions') }}

),

moving as (

    select
        scans.*,
        handheld_actions.movement_type
    from scans
    inner join handheld_actions
        on
            handheld_actions.action
            = case
                when scans.action = 'transfer' and scans.to_site_id <> scans.site_id then 'transfer_site'
                else scans.action
            end

)

select
    'handheld' as source_name,
    5 as source_priority,
    scan_id as record_id,
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
    cast(null as varchar) as batch_id,
    cast(null as varchar) as valuation_type,
    vendor_id,
    cast(null as varchar) as customer_id,
    cast(null as varchar) as sales_order_id,
    cast(null as varchar) as purchase_order_id,
    delivery_id,
    file,
    line,
    ingested_at
from moving
