-- One row per unit: its state after the last movement that counts, and what stands out in its history.
-- depends_on: {{ ref('int_units_changed') }}
{{
    config(
        materialized='incremental',
        incremental_strategy='replace_units',
        on_schema_change='fail',
        meta={'in_buckets': true},
    )
}}

{#- Read where it is needed, not held whole by a CTE, unless it is a night's few units. -#}
{%- set of_bucket = '(select * from ' ~ ref('int_serial_movements_folded') ~ ' where ' ~ units_of_bucket() ~ ')' %}
{%- set movements = 'changed_movements' if is_incremental() else of_bucket %}
{#- What is counted of a unit: movement types that add to it, and the reversals that take from it. -#}
{%- set counted = {
    'sale_count': ("'251', '601', '633'", "'602', '634'"),
    'return_count': ("'252', '451', '651', '653', '655', '657'", "'452', '652', '654', '656', '658'"),
    'repair_count': ("'541'", "''"),
} %}

with
{% if is_incremental() %}
changed_movements as (

    {{ movements_of_units() }}

),
{% endif %}
summarised as (

    select
        moves.article_id,
        moves.serial_number,
        min(moves.movement_date) as first_movement_date,
        max(moves.sequence_number) as movement_count,
        max(case when outweighed.sequence_number is null then moves.sequence_number end) as last_sequence_number,
        {%- for name, (adding, taking) in counted.items() %}
        count(*) filter (where moves.movement_type in ({{ adding }}))
        - count(*) filter (where moves.movement_type in ({{ taking }})) as {{ name }},
        {%- endfor %}
        max(moves.unit_ingested_at) as ingested_at
    from {{ movements }} as moves
    left join {{ ref('int_movements_outweighed') }} as outweighed
        on
            moves.article_id = outweighed.article_id
            and moves.serial_number = outweighed.serial_number
            and moves.sequence_number = outweighed.sequence_number
    group by moves.article_id, moves.serial_number

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

),

{{ article_changes() }}

select
    last_movements.unit_hash,
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
    last_movements.witness_names as last_witness_names,
    summarised.movement_count,
    {%- for name in counted %}
    summarised.{{ name }},
    {%- endfor %}
    came_from.previous_article_id,
    -- A unit that a reversal brought back is itself again.
    case when last_movements.unit_state = 'changed_article' then went_to.next_article_id end as next_article_id,
    summarised.first_movement_date,
    conflicts.status_conflict,
    coalesce(conflicts.conflict_count, 0) as conflict_count,
    summarised.ingested_at
from {{ movements }} as last_movements
inner join summarised
    on
        last_movements.article_id = summarised.article_id
        and last_movements.serial_number = summarised.serial_number
        and last_movements.sequence_number = summarised.last_sequence_number
left join conflicts
    on last_movements.article_id = conflicts.article_id and last_movements.serial_number = conflicts.serial_number
left join came_from
    on last_movements.article_id = came_from.article_id and last_movements.serial_number = came_from.serial_number
left join went_to
    on last_movements.article_id = went_to.article_id and last_movements.serial_number = went_to.serial_number
