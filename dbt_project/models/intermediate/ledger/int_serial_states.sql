-- One row per unit: its state after its last movement, and what stands out in its history.
-- depends_on: {{ ref('int_serial_movements_merged') }}
{{ config(materialized='incremental', incremental_strategy='replace_units', on_schema_change='fail') }}

{#- Read where it is needed, not held whole by a CTE, unless it is a night's few units. -#}
{%- set movements = 'changed_movements' if is_incremental() else ref('serial_movements') %}

with
{% if is_incremental() %}
changed_movements as (

    {{ rows_of_changed_units(ref('serial_movements')) }}

),
{% endif %}
summarised as (

    select
        article_id,
        serial_number,
        min(movement_date) as first_movement_date,
        max(sequence_number) as movement_count,
        max(ingested_at) as ingested_at
    from {{ movements }}
    group by article_id, serial_number

),

-- Few units stand out, and naming why is dear.
conflicts as (

    select
        article_id,
        serial_number,
        {{ joined_text('conflict_code', 'conflict_code') }} as status_conflict,
        count(*) as conflict_count
    from {{ movements }}
    where conflict_code is not null
    group by article_id, serial_number

)

select
    last_movements.article_id,
    last_movements.serial_number,
    last_movements.unit_state,
    last_movements.status_code,
    last_movements.stock_type_code,
    last_movements.to_site_id as site_id,
    last_movements.to_storage_location_id as storage_location_id,
    last_movements.special_stock_code,
    last_movements.batch_id,
    last_movements.valuation_type,
    last_movements.vendor_id,
    last_movements.customer_id,
    last_movements.sales_order_id,
    last_movements.movement_type as last_movement_type,
    last_movements.document_id as last_document_id,
    last_movements.movement_date as last_movement_date,
    last_movements.moved_at as last_moved_at,
    summarised.movement_count,
    summarised.first_movement_date,
    conflicts.status_conflict,
    coalesce(conflicts.conflict_count, 0) as conflict_count,
    summarised.ingested_at
from {{ movements }} as last_movements
inner join summarised
    on
        last_movements.article_id = summarised.article_id
        and last_movements.serial_number = summarised.serial_number
        and last_movements.sequence_number = summarised.movement_count
left join conflicts
    on last_movements.article_id = conflicts.article_id and last_movements.serial_number = conflicts.serial_number
