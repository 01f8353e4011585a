-- One row per contradiction about a unit and version of what happened.
-- depends_on: {{ ref('int_units_changed') }}
{{ config(materialized='incremental', incremental_strategy='replace_units', on_schema_change='fail', meta={'in_buckets': true}) }}

{#- What witnesses of one movement may contradict each other in, and the cause that it is called by. -#}
{%- set compared = {
    'site_id': 'witnesses_name_other_sites',
    'to_site_id': 'witnesses_name_other_receiving_sites',
    'storage_location_id': 'witnesses_name_other_storage_locations',
} %}

with movements as (

    select
        {{ movement_id() }} as movement_id,
        told.*
    from (
        {{ movements_of_units() }}
    ) as told

),

-- A movement that does not follow from the state before it: both stand, and the state follows one of them.
contradicting as (

    select
        movements.article_id,
        movements.serial_number,
        movements.sequence_number,
        movements.movement_id,
        movements.conflict_code,
        movements.sequence_number - case when outweighed.sequence_number is null then 0 else 1 end as followed_sequence_number,
        coalesce(outweighed.decided_by, 'time') as decided_by
    from movements
    left join {{ ref('int_movements_outweighed') }} as outweighed
        on
            movements.article_id = outweighed.article_id
            and movements.serial_number = outweighed.serial_number
            and movements.sequence_number = outweighed.sequence_number
    where movements.conflict_code is not null

),

movement_versions as (

    select
        contradicting.movement_id as conflict_id,
        contradicting.conflict_code as cause_code,
        movements.article_id,
        movements.serial_number,
        movements.sequence_number - contradicting.sequence_number + 2 as version_number,
        movements.sequence_number = contradicting.followed_sequence_number as is_followed,
        contradicting.decided_by,
        movements.witness_names as source_names,
        movements.witness_count,
        movements.document_id,
        movements.movement_type,
        movements.unit_state,
        movements.from_site_id,
        movements.to_site_id,
        movements.to_storage_location_id as storage_location_id,
        movements.moved_at,
        movements.file,
        movements.line,
        movements.ingested_at
    from contradicting
    inner join movements
        on
            contradicting.article_id = movements.article_id
            and contradicting.serial_number = movements.serial_number
            and movements.sequence_number between contradicting.sequence_number - 1 and contradicting.sequence_number

),

-- What each source says now of a movement that several of them tell of.
told as (

    select
        witnessed.movement_id as witnessed_movement_id,
        records.*,
        row_number() over (
            partition by witnessed.movement_id, records.source_name
            order by records.record_created_at desc nulls last, records.ingested_at desc, records.file desc, records.line desc
        ) as age
    from movements as witnessed
    inner join {{ ref('int_movement_records') }} as records
        on
            witnessed.article_id = records.article_id
            and witnessed.serial_number = records.serial_number
            and witnessed.document_id = records.document_id
            and witnessed.witness_group = records.witness_group
            and witnessed.line_role = records.line_role
    where witnessed.witness_count > 1

),

disagreed as (

    select
        witnessed_movement_id,
        case
            {%- for column, cause in compared.items() %}
            when count(distinct {{ column }}) > 1 then '{{ cause }}'
            {%- endfor %}
        end as cause_code
    from told
    where age = 1
    group by witnessed_movement_id

),

witness_versions as (

    select
        movements.movement_id as conflict_id,
        disagreed.cause_code,
        told.article_id,
        told.serial_number,
        row_number() over (
            partition by movements.movement_id order by told.source_priority desc, told.source_name desc
        ) as version_number,
        row_number() over (
            partition by movements.movement_id order by told.source_priority asc, told.source_name asc
        ) = 1 as is_followed,
        'source_order' as decided_by,
        told.source_name as source_names,
        1 as witness_count,
        told.document_id,
        told.movement_type,
        movements.unit_state,
        told.site_id as from_site_id,
        coalesce(told.to_site_id, movements.to_site_id) as to_site_id,
        told.storage_location_id,
        coalesce(told.moved_at, cast(told.movement_date as timestamp)) as moved_at,
        told.file,
        told.line,
        movements.ingested_at
    from told
    inner join disagreed on told.witnessed_movement_id = disagreed.witnessed_movement_id
    inner join movements on told.witnessed_movement_id = movements.movement_id
    where told.age = 1 and disagreed.cause_code is not null

),

versions as (

    select * from movement_versions
    union all
    select * from witness_versions

)

select
    conflict_id,
    cause_code,
    cast(version_number as integer) as version_number,
    is_followed,
    decided_by,
    article_id,
    serial_number,
    source_names,
    cast(witness_count as integer) as witness_count,
    document_id,
    movement_type,
    unit_state,
    from_site_id,
    to_site_id,
    storage_location_id,
    moved_at,
    file,
    line,
    ingested_at
from versions
