-- One row per unit and document line: all records that witness the same movement are one movement.
{{ config(materialized='incremental', unique_key=unit_key(), incremental_strategy='delete+insert', on_schema_change='fail') }}

with changed_units as (

    {{ changed_units(ref('int_movement_records')) }}

),

movement_types as (

    select * from {{ ref('movement_types') }}

),

records as (

    select
        records.*,
        coalesce(movement_types.witness_group, records.movement_type) || '/' || records.line_role as witness_group
    from {{ ref('int_movement_records') }} as records
    inner join changed_units
        on records.article_id = changed_units.article_id and records.serial_number = changed_units.serial_number
    left join movement_types
        on records.movement_type = movement_types.movement_type and records.line_role = movement_types.line_role

),

-- A document may move a unit twice; the n-th time in one source is the n-th time in the other. A record sent again
-- keeps its identity, and so its number.
numbered as (

    select
        *,
        dense_rank() over (
            partition by article_id, serial_number, document_id, witness_group, source_name order by record_id
        ) as occurrence
    from records

),

ranked as (

    select
        *,
        row_number() over (
            partition by article_id, serial_number, document_id, witness_group, occurrence
            order by source_priority asc, record_created_at desc nulls last, file asc, line asc
        ) as precedence
    from numbered

),

-- The source of the highest precedence speaks first; what it leaves blank, the others fill.
merged as (

    select
        article_id,
        serial_number,
        document_id,
        witness_group,
        occurrence,
        max(movement_type) filter (where precedence = 1) as movement_type,
        max(line_role) filter (where precedence = 1) as line_role,
        max(document_item) filter (where precedence = 1) as document_item,
        max(site_id) filter (where precedence = 1) as site_id,
        {{ first_known('storage_location_id') }},
        {{ first_known('to_site_id') }},
        {{ first_known('to_storage_location_id') }},
        {{ first_known('stock_type_code') }},
        {{ first_known('batch_id') }},
        {{ first_known('valuation_type') }},
        {{ first_known('vendor_id') }},
        {{ first_known('customer_id') }},
        {{ first_known('sales_order_id') }},
        {{ first_known('purchase_order_id') }},
        {{ first_known('delivery_id') }},
        max(movement_date) filter (where precedence = 1) as posting_date,
        -- The earliest moment that any witness knows is when it happened; a posting follows it.
        min(moved_at) as known_moved_at,
        least(min(movement_date), min(cast(moved_at as date))) as earliest_date,
        count(distinct source_name) as witness_count,
        {{ joined_text('source_name', 'source_name') }} as witness_names,
        max(file) filter (where precedence = 1) as file,
        max(line) filter (where precedence = 1) as line,
        max(ingested_at) as ingested_at
    from ranked
    group by article_id, serial_number, document_id, witness_group, occurrence

)

select * from merged
