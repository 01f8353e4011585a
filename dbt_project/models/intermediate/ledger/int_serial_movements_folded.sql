-- One row per unit and document line, over all sources, with the state of the unit after it.
-- depends_on: {{ ref('int_units_changed') }}
{{
    config(
        materialized='incremental',
        incremental_strategy='replace_units',
        on_schema_change='fail',
        meta={'watermark': 'unit_ingested_at', 'in_buckets': true},
    )
}}

with
{% if is_incremental() %}
unit_records as (

    select * from {{ built('int_movement_records') }}
    where
        unit_hash in (
            select unit_hash from {{ ref('int_units_changed') }}
            where ingested_at > {{ watermark('unit_ingested_at') }}
        )

),

merged_of_units as (

    {{ movements_merged('unit_records') }}

),

{% endif %}
-- When the newest fact about each unit was taken in, were it only that a document no longer names it.
changes as (

    select
        unit_hash,
        max(ingested_at) as ingested_at
    from {{ ref('int_units_changed') }}
    {%- if not is_incremental() %}
    where {{ units_of_bucket() }}
    {%- endif %}
    group by unit_hash

),

-- Read several times below, and so held: a bucket's rows, or a night's.
placed as (

    {% if is_incremental() -%}
    {{ movements_placed('merged_of_units') }}
    {%- else -%}
    select * from {{ ref('int_serial_movements_placed') }}
    {%- endif %}

),

{{ movements_restored('placed') }},

{% set restoring = 'coalesce(restored.is_state_known, false)' -%}
marked as (

    select
        placed.*,
        case when {{ restoring }} then restored.state_after else placed.state_after end as state_reached,
        case when {{ restoring }} then restored.status_after else placed.status_after end as status_reached,
        -- Where nothing stands before what is taken back, its batch goes with it.
        case when restored.document_id is not null then coalesce(restored.batch_id, '') else placed.batch_id end as batch_mark,
        case
            when restored.document_id is not null then coalesce(restored.valuation_type, '') else placed.valuation_type
        end as valuation_mark,
        -- Blank stands for "nowhere", so that a movement of unknown type (NULL) can keep the place it found.
        case when placed.is_known_type then coalesce(placed.placed_site_id, restored.placed_site_id, '') end as site_mark,
        case
            when placed.is_known_type
                then coalesce(placed.placed_storage_location_id, restored.placed_storage_location_id, '')
        end as storage_location_mark,
        case
            when {{ restoring }} then coalesce(restored.placed_stock_type_code, '')
            when placed.is_known_type then coalesce(placed.placed_stock_type_code, '')
        end as stock_type_mark,
        case
            when {{ restoring }} then coalesce(restored.placed_special_stock_code, '')
            else placed.placed_special_stock_code
        end as special_stock_mark,
        case
            when placed.known_moved_at is null and restored.original_moved_at >= placed.moved_at then restored.original_moved_at
            else placed.moved_at
        end as happened_at,
        case
            when placed.known_moved_at is null and restored.original_moved_at >= placed.moved_at then 99
            else placed.type_order
        end as order_in_moment
    from placed
    left join restored
        on
            placed.article_id = restored.article_id
            and placed.serial_number = restored.serial_number
            and placed.document_id = restored.document_id
            and placed.witness_group = restored.witness_group
            and placed.line_role = restored.line_role
            and placed.occurrence = restored.occurrence

),

-- The state after each movement is that of the newest movement whose effect is known: a pure fold, no repair. All windows
-- share one order, so that a unit's movements are sorted once.
folded as (

    select
        *,
        row_number() over unit as sequence_number,
        last_value(state_reached ignore nulls) over up_to_here as unit_state,
        last_value(status_reached ignore nulls) over up_to_here as status_code,
        last_value(site_mark ignore nulls) over up_to_here as site_here,
        last_value(storage_location_mark ignore nulls) over up_to_here as storage_location_here,
        last_value(stock_type_mark ignore nulls) over up_to_here as stock_type_here,
        last_value(special_stock_mark ignore nulls) over up_to_here as special_stock_here,
        last_value(batch_mark ignore nulls) over up_to_here as batch_here,
        last_value(valuation_mark ignore nulls) over up_to_here as valuation_here,
        last_value(state_reached ignore nulls) over before_here as state_before,
        last_value(site_mark ignore nulls) over before_here as site_mark_before,
        last_value(storage_location_mark ignore nulls) over before_here as storage_location_mark_before,
        max(case when direction = 'receipt' and {{ list_holds('allowed_states_before', "'new'") }} then 1 else 0 end)
            over (partition by article_id, serial_number)
        = 1 as is_ever_received
    from marked
    window
        unit as (
            partition by article_id, serial_number
            order by happened_at, order_in_moment, document_id, movement_type, line_role, occurrence
        ),
        up_to_here as (
            partition by article_id, serial_number
            order by happened_at, order_in_moment, document_id, movement_type, line_role, occurrence
            rows between unbounded preceding and current row
        ),
        before_here as (
            partition by article_id, serial_number
            order by happened_at, order_in_moment, document_id, movement_type, line_role, occurrence
            rows between unbounded preceding and 1 preceding
        )

),

compared as (

    select
        *,
        nullif(site_here, '') as to_place_site_id,
        nullif(storage_location_here, '') as to_place_storage_location_id,
        nullif(stock_type_here, '') as to_stock_type_code,
        nullif(site_mark_before, '') as site_before,
        nullif(storage_location_mark_before, '') as storage_location_before
    from folded

),

judged as (

    select
        *,
        {{ conflict_code() }} as conflict_code
    from compared

)

select
    judged.unit_hash,
    article_id,
    serial_number,
    cast(sequence_number as integer) as sequence_number,
    document_id,
    witness_group,
    line_role,
    occurrence,
    document_item,
    delivery_id,
    purchase_order_id,
    sales_order_id,
    movement_type,
    movement_name,
    from_site_id,
    from_storage_location_id,
    to_place_site_id as to_site_id,
    to_place_storage_location_id as to_storage_location_id,
    unit_state,
    status_code,
    to_stock_type_code as stock_type_code,
    nullif(special_stock_here, '') as special_stock_code,
    nullif(batch_here, '') as batch_id,
    nullif(valuation_here, '') as valuation_type,
    vendor_id,
    customer_id,
    conflict_code,
    cast(witness_count as integer) as witness_count,
    witness_names,
    is_reversal,
    material_document_id,
    reverses_document_id,
    reverses_document_item,
    known_moved_at is not null as is_moment_known,
    movement_date,
    least(earliest_date, movement_date) as earliest_date,
    happened_at as moved_at,
    file,
    line,
    judged.ingested_at,
    -- The same for all rows of a unit: who asks what is new reads the end of the table alone.
    coalesce(changes.ingested_at, judged.ingested_at) as unit_ingested_at
from judged
left join changes on judged.unit_hash = changes.unit_hash
