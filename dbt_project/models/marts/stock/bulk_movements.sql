-- One row per document line without serial numbers and side of it: what it took from a stock, and what it put into one.
{{ config(materialized='view') }}

{#- States of a unit in which it is somebody's stock of ours; what a movement does to a quantity is what it does to a unit. -#}
{%- set in_stock = "'in_stock', 'in_transit', 'with_vendor', 'at_customer'" %}

with movement_types as (

    select * from {{ ref('movement_types') }}

),

merged as (

    select * from {{ ref('int_bulk_lines') }}

),

placed as (

    select
        merged.*,
        movement_types.movement_name,
        coalesce(movement_types.is_reversal, false) as is_reversal,
        movement_types.from_place,
        movement_types.to_place,
        {{ placement_columns() }},
        coalesce(movement_types.allowed_states_before in ({{ in_stock }}), false)
        and movement_types.stock_type_from is not null as is_taking,
        coalesce(movement_types.state_after in ({{ in_stock }}), false) as is_putting,
        coalesce(
            case when movement_types.direction <> 'transfer' then merged.stock_type_code end,
            movement_types.stock_type_from,
            movement_types.stock_type_to
        ) as taken_stock_type_code,
        -- Own stock is what a type takes that makes special stock; what makes own stock takes the special stock of its reversal.
        case
            when movement_types.special_stock_to in ('E', 'O', 'Q', 'V', 'W') or reversals.special_stock_to = 'own' then ''
            else coalesce(
                merged.special_stock_code,
                case when reversals.special_stock_to in ('E', 'O', 'Q', 'V', 'W') then reversals.special_stock_to end,
                ''
            )
        end as taken_special_stock_code,
        cast(coalesce(merged.known_moved_at, merged.posting_date) as date) as movement_date,
        coalesce(
            merged.known_moved_at,
            merged.posting_date + cast(coalesce(movement_types.default_time, '12:00:00') as time)
        ) as moved_at
    from merged
    left join movement_types
        on merged.movement_type = movement_types.movement_type and merged.line_role = movement_types.line_role
    left join movement_types as reversals
        on
            movement_types.reversal_movement_type = reversals.movement_type
            and movement_types.line_role = reversals.line_role

),

sides as (

    select
        placed.*,
        'taken' as side,
        -placed.line_quantity as bulk_quantity,
        coalesce(placed.from_site_id, placed.site_id) as stock_site_id,
        -- Between storage locations, goods wait at the one they go to.
        case
            when placed.from_place = 'line_transit' and placed.taken_stock_type_code = '04' then placed.storage_location_id
            when placed.taken_stock_type_code not in ('05', '06') then placed.from_storage_location_id
        end as stock_storage_location_id,
        placed.taken_stock_type_code as side_stock_type_code,
        placed.taken_special_stock_code as side_special_stock_code
    from placed
    where placed.is_taking
    union all
    select
        placed.*,
        'put' as side,
        placed.line_quantity as bulk_quantity,
        coalesce(placed.placed_site_id, placed.site_id) as stock_site_id,
        case
            when placed.to_place = 'line_transit' and placed.placed_stock_type_code = '04' then placed.storage_location_id
            when placed.placed_stock_type_code not in ('05', '06') then placed.placed_storage_location_id
        end as stock_storage_location_id,
        placed.placed_stock_type_code as side_stock_type_code,
        coalesce(placed.placed_special_stock_code, '') as side_special_stock_code
    from placed
    where placed.is_putting and placed.placed_stock_type_code is not null
    union all
    -- A receipt for a transport order takes the goods out of transit; its reversal sends them back there.
    select
        placed.*,
        'transit' as side,
        case when placed.is_reversal then placed.line_quantity else -placed.line_quantity end as bulk_quantity,
        placed.transit_site_id as stock_site_id,
        cast(null as varchar) as stock_storage_location_id,
        '06' as side_stock_type_code,
        '' as side_special_stock_code
    from placed
    where placed.transit_site_id is not null
    union all
    -- What changes no stock of ours is told, too.
    select
        placed.*,
        'none' as side,
        cast(0 as decimal(18, 3)) as bulk_quantity,
        placed.site_id as stock_site_id,
        placed.storage_location_id as stock_storage_location_id,
        cast(null as varchar) as side_stock_type_code,
        '' as side_special_stock_code
    from placed
    where not placed.is_taking and not (placed.is_putting and placed.placed_stock_type_code is not null)

)

select
    md5(concat_ws('|', document_id, line_role, record_id, side)) as bulk_movement_id,
    article_id,
    stock_site_id as site_id,
    stock_storage_location_id as storage_location_id,
    side_stock_type_code as stock_type_code,
    nullif(side_special_stock_code, '') as special_stock_code,
    batch_id,
    valuation_type,
    side,
    cast(bulk_quantity as decimal(18, 3)) as bulk_quantity,
    line_quantity,
    entered_quantity,
    entered_unit,
    movement_type,
    movement_name,
    document_id,
    document_item,
    line_role,
    site_id as line_site_id,
    to_site_id as counter_site_id,
    to_storage_location_id as counter_storage_location_id,
    vendor_id,
    customer_id,
    sales_order_id,
    purchase_order_id,
    delivery_id,
    is_reversal,
    reverses_document_id,
    witness_count,
    witness_names,
    movement_date,
    moved_at,
    file,
    line,
    ingested_at
from sides
