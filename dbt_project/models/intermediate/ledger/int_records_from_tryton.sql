-- One row per move that Tryton posted, or withdrew after it had been posted.
{{ config(materialized='view') }}

with moves as (

    select * from {{ ref('int_tryton_moves_posted') }}

),

locations as (

    select * from {{ ref('stg_tryton__locations') }}

),

shipments as (

    select * from {{ ref('stg_tryton__shipments') }}

),

inventory_lines as (

    select * from {{ ref('stg_tryton__inventory_lines') }}

),

tryton_movement_types as (

    select * from {{ ref('tryton_movement_types') }}

),

movement_types as (

    select * from {{ ref('movement_types') }}
    where line_role = 'main'

),

placed as (

    select
        moves.*,
        origins.place_kind as from_kind,
        case
            when origins.place_kind = 'storage' and targets.place_kind = 'storage' and origins.site_id <> targets.site_id
                then 'other_site'
            else targets.place_kind
        end as to_kind,
        origins.site_id as from_site_id,
        origins.storage_location_id as from_storage_location_id,
        -- On the way between warehouses, a unit belongs to the one that waits for it.
        case when targets.place_kind = 'transit' then destinations.site_id else targets.site_id end as to_site_id,
        case when targets.place_kind <> 'transit' then targets.storage_location_id end as to_storage_location_id,
        shipments.shipment_kind,
        shipments.vendor_id,
        shipments.customer_id,
        shipments.document_id as delivery_id,
        coalesce(shipments.document_id, inventory_lines.document_id, 'MOVE-' || cast(moves.move_id as varchar)) as document_id
    from moves
    left join locations as origins on moves.from_location_id = origins.location_id
    left join locations as targets on moves.to_location_id = targets.location_id
    left join shipments on moves.shipment_key = shipments.shipment_key
    left join locations as destinations on shipments.to_location_id = destinations.location_id
    left join inventory_lines on moves.origin_key = inventory_lines.origin_key

),

typed as (

    select
        placed.*,
        tryton_movement_types.place_of_line = 'to' as is_line_the_target,
        case
            when placed.shipment_kind = 'stock.shipment.in.return' and placed.purchase_order_id is not null then '161'
            else coalesce(
                tryton_movement_types.movement_type,
                concat_ws('>', coalesce(placed.from_kind, 'unknown'), coalesce(placed.to_kind, 'unknown'))
            )
        end as posted_movement_type
    from placed
    left join tryton_movement_types
        on placed.from_kind = tryton_movement_types.from_kind and placed.to_kind = tryton_movement_types.to_kind

),

-- What is withdrawn is reversed; a difference found by a count is reversed by its opposite.
withdrawn as (

    select
        typed.*,
        case
            when typed.is_posting then typed.posted_movement_type
            when typed.posted_movement_type = '701' then '702'
            when typed.posted_movement_type = '702' then '701'
            else coalesce(movement_types.reversal_movement_type, typed.posted_movement_type)
        end as movement_type
    from typed
    left join movement_types on typed.posted_movement_type = movement_types.movement_type

)

select
    'tryton' as source_name,
    1 as source_priority,
    record_id,
    record_id as version_id,
    happened_at as record_created_at,
    movement_type,
    'main' as line_role,
    document_id,
    cast(move_id as varchar) as document_item,
    article_id,
    serial_number,
    movement_date,
    moved_at,
    case when is_line_the_target then to_site_id else from_site_id end as site_id,
    case when is_line_the_target then to_storage_location_id else from_storage_location_id end as storage_location_id,
    case when not is_line_the_target then to_site_id end as to_site_id,
    case when not is_line_the_target then to_storage_location_id end as to_storage_location_id,
    cast(null as varchar) as stock_type_code,
    cast(null as varchar) as special_stock_code,
    batch_id,
    cast(null as varchar) as valuation_type,
    vendor_id,
    customer_id,
    sales_order_id,
    purchase_order_id,
    delivery_id,
    cast(null as varchar) as material_document_id,
    cast(null as varchar) as reverses_document_id,
    cast(null as varchar) as reverses_document_item,
    cast(quantity as decimal(18, 3)) as quantity,
    cast(null as varchar) as unit_of_measure,
    serial_number is not null as is_unit_record,
    serial_number is null as is_bulk_record,
    file,
    line,
    ingested_at
from withdrawn
