-- One row per unit and night that told of it anything new: a movement, or a document's newer version that no longer names it.
-- depends_on: {{ ref('int_documents_replaced') }}
{{ config(materialized='incremental', incremental_strategy='append', on_schema_change='fail') }}

with
{% if is_incremental() %}
new_records as (

    select * from {{ ref('int_movement_records') }}
    where ingested_at > {{ watermark() }}

),

new_versions as (

    select
        version_hash,
        max(ingested_at) as ingested_at
    from new_records
    where version_hash is not null
    group by version_hash

),

-- A newer version of a document changes the units that it names, and those that an older version named.
told as (

    select
        unit_hash,
        article_id,
        serial_number,
        movement_date,
        moved_at,
        ingested_at
    from new_records
    union all
    select
        records.unit_hash,
        records.article_id,
        records.serial_number,
        records.movement_date,
        records.moved_at,
        new_versions.ingested_at
    from {{ ref('int_movement_records') }} as records
    inner join new_versions on records.version_hash = new_versions.version_hash
    where records.ingested_at <= {{ watermark() }}

)
{%- else %}
told as (

    select
        records.unit_hash,
        records.article_id,
        records.serial_number,
        records.movement_date,
        records.moved_at,
        greatest(records.ingested_at, replaced.replaced_at) as ingested_at
    from {{ ref('int_movement_records') }} as records
    left join {{ ref('int_documents_replaced') }} as replaced on records.version_hash = replaced.version_hash

)
{%- endif %}

select
    unit_hash,
    article_id,
    serial_number,
    -- Nothing before this day is touched.
    min(least(movement_date, cast(moved_at as date))) as earliest_date,
    max(ingested_at) as ingested_at
from told
where serial_number is not null
group by unit_hash, article_id, serial_number
