-- One row per unit and document line, over all sources.
{{ config(materialized='incremental', incremental_strategy='replace_units', on_schema_change='fail') }}

with placed as (

    {{ rows_of_changed_units(ref('int_serial_movements_placed')) }}

),

marked as (

    select
        *,
        -- Blank stands for "nowhere", so that a movement of unknown type (NULL) can keep the place it found.
        case when is_known_type then coalesce(placed_site_id, '') end as site_mark,
        case when is_known_type then coalesce(placed_storage_location_id, '') end as storage_location_mark,
        case when is_known_type then coalesce(placed_stock_type_code, '') end as stock_type_mark
    from placed

),

-- The state after each movement is that of the newest movement whose effect is known: a pure fold, no repair. All windows
-- share one order, so that a unit's movements are sorted once.
folded as (

    select
        *,
        row_number() over unit as sequence_number,
        last_value(state_after ignore nulls) over up_to_here as unit_state,
        last_value(status_after ignore nulls) over up_to_here as status_code,
        last_value(site_mark ignore nulls) over up_to_here as site_here,
        last_value(storage_location_mark ignore nulls) over up_to_here as storage_location_here,
        last_value(stock_type_mark ignore nulls) over up_to_here as stock_type_here,
        last_value(batch_id ignore nulls) over up_to_here as known_batch_id,
        last_value(valuation_type ignore nulls) over up_to_here as known_valuation_type,
        last_value(state_after ignore nulls) over before_here as state_before,
        last_value(site_mark ignore nulls) over before_here as site_mark_before,
        last_value(storage_location_mark ignore nulls) over before_here as storage_location_mark_before,
        max(case when direction = 'receipt' and {{ list_holds('allowed_states_before', "'new'") }} then 1 else 0 end)
            over (partition by article_id, serial_number)
        = 1 as is_ever_received
    from marked
    window
        unit as (
            partition by article_id, serial_number
            order by moved_at, type_order, document_id, movement_type, line_role, occurrence
        ),
        up_to_here as (
            partition by article_id, serial_number
            order by moved_at, type_order, document_id, movement_type, line_role, occurrence
            rows between unbounded preceding and current row
        ),
        before_here as (
            partition by article_id, serial_number
            order by moved_at, type_order, document_id, movement_type, line_role, occurrence
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
    md5(
        concat_ws('|', article_id, serial_number, document_id, witness_group || '/' || line_role, cast(occurrence as varchar))
    ) as movement_id,
    article_id,
    serial_number,
    cast(sequence_number as integer) as sequence_number,
    document_id,
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
    special_stock_code,
    known_batch_id as batch_id,
    known_valuation_type as valuation_type,
    vendor_id,
    customer_id,
    conflict_code,
    cast(witness_count as integer) as witness_count,
    witness_names,
    is_reversal,
    reverses_document_id,
    reverses_document_item,
    known_moved_at is not null as is_moment_known,
    movement_date,
    least(earliest_date, movement_date) as earliest_date,
    moved_at,
    file,
    line,
    ingested_at
from judged
