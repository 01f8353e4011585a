-- One row per unit and document line: all records that witness the same movement are one movement.
{{ config(materialized='incremental', unique_key=unit_key(), incremental_strategy='delete+insert', on_schema_change='fail') }}

with records as (

    {{ rows_of_changed_units(ref('int_movement_records')) }}

),

movement_types as (

    select * from {{ ref('movement_types') }}

),

grouped as (

    select
        records.*,
        coalesce(movement_types.witness_group, records.movement_type) || '/' || records.line_role as witness_group
    from records
    left join movement_types
        on records.movement_type = movement_types.movement_type and records.line_role = movement_types.line_role

),

keyed as (

    select
        *,
        {{ row_hash(['article_id', 'serial_number', 'document_id', 'witness_group']) }} as movement_hash
    from grouped

),

-- Most movements have one record. Only those that may share theirs go through the merge, which is the dear part.
shared as (

    select movement_hash from keyed
    group by movement_hash
    having count(*) > 1

),

-- A document may move a unit twice; the n-th time in one source is the n-th time in the other. A record sent again
-- keeps its identity, and so its number.
numbered as (

    select
        *,
        dense_rank() over (
            partition by article_id, serial_number, document_id, witness_group, source_name order by record_id
        ) as occurrence
    from keyed
    where movement_hash in (select movement_hash from shared)

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

),

solitary as (

    select
        article_id,
        serial_number,
        document_id,
        witness_group,
        1 as occurrence,
        movement_type,
        line_role,
        document_item,
        site_id,
        storage_location_id,
        to_site_id,
        to_storage_location_id,
        stock_type_code,
        batch_id,
        valuation_type,
        vendor_id,
        customer_id,
        sales_order_id,
        purchase_order_id,
        delivery_id,
        movement_date as posting_date,
        moved_at as known_moved_at,
        least(movement_date, cast(moved_at as date)) as earliest_date,
        1 as witness_count,
        source_name as witness_names,
        file,
        line,
        ingested_at
    from keyed
    where movement_hash not in (select movement_hash from shared)

)

select * from merged
union all
select * from solitary
