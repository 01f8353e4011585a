{#-
    One row per unit and document line out of `records` (a relation in the shape of int_movement_records): all records that
    witness the same movement are one movement. Rows that are withdrawn are no movements: they say that the newest version of
    a document no longer names the unit. `records` is named where it is read: a CTE would be held whole.
-#}
{% macro movements_merged(records) %}
{%- set nothing_else_known = [
    'movement_type', 'document_item', 'site_id', 'storage_location_id', 'to_site_id', 'to_storage_location_id', 'stock_type_code',
    'special_stock_code', 'batch_id', 'valuation_type', 'vendor_id', 'customer_id', 'sales_order_id', 'purchase_order_id',
    'delivery_id', 'material_document_id', 'reverses_document_id', 'reverses_document_item'] %}
-- Most movements have one record, of a document that came once. Only the others go through the merge, which is the dear part.
with shared as (

    select movement_hash from {{ records }}
    group by movement_hash
    having count(*) > 1
    union
    select movement_hash from {{ records }}
    where version_hash in (select version_hash from {{ built('int_documents_replaced') }})

),

versioned as (

    select
        records.*,
        replaced.replaced_at,
        replaced.version_hash is not null and records.file <> replaced.newest_file as is_replaced
    from {{ records }} as records
    left join {{ built('int_documents_replaced') }} as replaced on records.version_hash = replaced.version_hash
    where records.serial_number is not null and records.movement_hash in (select movement_hash from shared)

),

-- A document may move a unit twice; the n-th time in one source is the n-th time in the other, as often as it is sent.
numbered as (

    select
        *,
        dense_rank() over (
            partition by article_id, serial_number, document_id, witness_group, line_role, source_name order by record_id
        ) as occurrence
    from versioned
    where not is_replaced

),

ranked as (

    select
        *,
        row_number() over (
            partition by article_id, serial_number, document_id, witness_group, line_role, occurrence
            -- What comes without a version may be told day after day: the first day is when it happened, in whatever order files come.
            order by source_priority asc, record_created_at desc nulls last, movement_date asc, ingested_at desc, file desc, line desc
        ) as precedence
    from numbered

),

-- The source of the highest precedence speaks first; what it leaves blank, the others fill.
merged as (

    select
        unit_hash,
        article_id,
        serial_number,
        document_id,
        witness_group,
        line_role,
        occurrence,
        max(movement_type) filter (where precedence = 1) as movement_type,
        max(document_item) filter (where precedence = 1) as document_item,
        max(site_id) filter (where precedence = 1) as site_id,
        {{ first_known('storage_location_id') }},
        {{ first_known('to_site_id') }},
        {{ first_known('to_storage_location_id') }},
        {{ first_known('stock_type_code') }},
        {{ first_known('special_stock_code') }},
        {{ first_known('batch_id') }},
        {{ first_known('valuation_type') }},
        {{ first_known('vendor_id') }},
        {{ first_known('customer_id') }},
        {{ first_known('sales_order_id') }},
        {{ first_known('purchase_order_id') }},
        {{ first_known('delivery_id') }},
        {{ first_known('material_document_id') }},
        {{ first_known('reverses_document_id') }},
        {{ first_known('reverses_document_item') }},
        max(movement_date) filter (where precedence = 1) as posting_date,
        -- The earliest moment that any witness knows is when it happened; a posting follows it.
        min(moved_at) as known_moved_at,
        least(min(movement_date), min(cast(moved_at as date))) as earliest_date,
        count(distinct source_name) as witness_count,
        {{ joined_text('source_name', 'source_name') }} as witness_names,
        max(file) filter (where precedence = 1) as file,
        max(line) filter (where precedence = 1) as line,
        false as is_withdrawn,
        max(ingested_at) as ingested_at
    from ranked
    group by unit_hash, article_id, serial_number, document_id, witness_group, line_role, occurrence

),

solitary as (

    select
        unit_hash,
        article_id,
        serial_number,
        document_id,
        witness_group,
        line_role,
        1 as occurrence,
        movement_type,
        document_item,
        site_id,
        storage_location_id,
        to_site_id,
        to_storage_location_id,
        stock_type_code,
        special_stock_code,
        batch_id,
        valuation_type,
        vendor_id,
        customer_id,
        sales_order_id,
        purchase_order_id,
        delivery_id,
        material_document_id,
        reverses_document_id,
        reverses_document_item,
        movement_date as posting_date,
        moved_at as known_moved_at,
        least(movement_date, cast(moved_at as date)) as earliest_date,
        1 as witness_count,
        source_name as witness_names,
        file,
        line,
        false as is_withdrawn,
        ingested_at
    from {{ records }}
    where serial_number is not null and movement_hash not in (select movement_hash from shared)

),

withdrawn as (

    select
        unit_hash,
        article_id,
        serial_number,
        cast(null as varchar) as document_id,
        'withdrawn' as witness_group,
        '' as line_role,
        1 as occurrence,
        {%- for name in nothing_else_known %}
        cast(null as varchar) as {{ name }},
        {%- endfor %}
        cast(null as date) as posting_date,
        cast(null as timestamp) as known_moved_at,
        min(least(movement_date, cast(moved_at as date))) as earliest_date,
        cast(null as integer) as witness_count,
        cast(null as varchar) as witness_names,
        cast(null as varchar) as file,
        cast(null as bigint) as line,
        true as is_withdrawn,
        max(replaced_at) as ingested_at
    from versioned
    where
        is_replaced
        and (article_id, serial_number, version_hash) not in (
            select
                kept.article_id,
                kept.serial_number,
                kept.version_hash
            from versioned as kept
            where not kept.is_replaced and kept.replaced_at is not null
        )
    group by unit_hash, article_id, serial_number

)

select * from merged
union all
select * from solitary
union all
select * from withdrawn
{% endmacro %}
