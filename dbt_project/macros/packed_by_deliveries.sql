{#-
    Common table expressions, the last of them `by_deliveries`: one row per unit, or handling unit, that a delivery taken in since the
    model's watermark names in a handling unit; columns as in int_handling_unit_events.
-#}
{% macro packed_by_deliveries() %}
-- A delivery tells of its handling units in one file; goods are packed before they leave.
deliveries as (

    select
        file,
        delivery_id,
        delivery_item,
        article_id,
        serial_number,
        record_created_at,
        least(record_created_at, goods_issue_actual_at) as packed_at
    from {{ ref('stg_sap__deliveries') }}
    where ingested_at > {{ watermark() }}

),

delivery_moments as (

    select
        file,
        delivery_id,
        max(record_created_at) as record_created_at,
        min(packed_at) as packed_at
    from deliveries
    group by file, delivery_id

),

handling_units as (

    select * from {{ ref('stg_sap__handling_units') }}
    where ingested_at > {{ watermark() }}

),

-- An item that lies whole in one handling unit lies there with all its units.
whole_items as (

    select
        file,
        delivery_id,
        delivery_item,
        max(handling_unit_id) as handling_unit_id,
        max(line) as line,
        max(ingested_at) as ingested_at
    from handling_units
    where delivery_item is not null
    group by file, delivery_id, delivery_item
    having count(distinct handling_unit_id) = 1

),

by_deliveries as (

    select
        'delivery' as source_name,
        serials.delivery_id as document_id,
        serials.article_id,
        serials.serial_number,
        cast(null as varchar) as inner_handling_unit_id,
        serials.handling_unit_id,
        'packed' as event_code,
        delivery_moments.packed_at as happened_at,
        delivery_moments.record_created_at as told_at,
        false as is_withdrawn,
        serials.file,
        serials.line,
        serials.ingested_at
    from {{ ref('stg_sap__handling_unit_serials') }} as serials
    inner join delivery_moments on serials.file = delivery_moments.file and serials.delivery_id = delivery_moments.delivery_id
    where serials.ingested_at > {{ watermark() }}
    union all
    select
        'delivery' as source_name,
        whole_items.delivery_id as document_id,
        deliveries.article_id,
        deliveries.serial_number,
        cast(null as varchar) as inner_handling_unit_id,
        whole_items.handling_unit_id,
        'packed' as event_code,
        deliveries.packed_at as happened_at,
        deliveries.record_created_at as told_at,
        false as is_withdrawn,
        whole_items.file,
        whole_items.line,
        whole_items.ingested_at
    from whole_items
    inner join deliveries
        on
            whole_items.file = deliveries.file
            and whole_items.delivery_id = deliveries.delivery_id
            and whole_items.delivery_item = deliveries.delivery_item
    where deliveries.serial_number is not null
    union all
    select
        'delivery' as source_name,
        handling_units.delivery_id as document_id,
        cast(null as varchar) as article_id,
        cast(null as varchar) as serial_number,
        handling_units.inner_handling_unit_id,
        handling_units.handling_unit_id,
        'packed' as event_code,
        delivery_moments.packed_at as happened_at,
        delivery_moments.record_created_at as told_at,
        false as is_withdrawn,
        handling_units.file,
        handling_units.line,
        handling_units.ingested_at
    from handling_units
    inner join delivery_moments
        on handling_units.file = delivery_moments.file and handling_units.delivery_id = delivery_moments.delivery_id
    where handling_units.inner_handling_unit_id is not null

)
{%- endmacro %}
