-- One row per event about a handling unit and unit that was ever packed in it: whether it was inside at that moment.
{{ config(materialized='view') }}

{#- A pallet holds cartons, a carton holds inner packs: how deep handling units may lie in one another. -#}
{%- set depth = 4 -%}

with moved as (

    select
        *,
        {{ without_leading_zeros('handling_unit_id') }} as moved_handling_unit_id
    from {{ ref('int_epcis_units') }}
    where handling_unit_id is not null and movement_type is not null

),

contents as (

    select * from {{ ref('int_handling_unit_contents') }}

),

stays as (

    select * from {{ ref('handling_unit_stays') }}

),

within_0 as (

    select
        record_hash,
        unit_number,
        happened_at,
        moved_handling_unit_id as handling_unit_id,
        true as is_inside,
        file,
        line,
        known_at
    from moved

),
{% for level in range(1, depth + 1) %}
-- What is said together is known since the last of it came, and by its file.
found_{{ level }} as (

    select
        outside.record_hash,
        outside.unit_number,
        outside.happened_at,
        contents.article_id,
        contents.serial_number,
        contents.inner_handling_unit_id as handling_unit_id,
        outside.is_inside and stays.content_id is not null as is_inside,
        case when contents.ingested_at > outside.known_at then contents.file else outside.file end as file,
        case when contents.ingested_at > outside.known_at then contents.line else outside.line end as line,
        greatest(contents.ingested_at, outside.known_at) as known_at
    from within_{{ level - 1 }} as outside
    inner join contents on outside.handling_unit_id = contents.handling_unit_id
    left join stays
        on
            contents.handling_unit_id = stays.handling_unit_id
            and contents.content_id = stays.content_id
            and outside.happened_at >= coalesce(stays.valid_from_at, timestamp '1970-01-01 00:00:00')
            and outside.happened_at <= stays.valid_to_at

),

within_{{ level }} as (

    select
        record_hash,
        unit_number,
        happened_at,
        handling_unit_id,
        is_inside,
        file,
        line,
        known_at
    from found_{{ level }}
    where handling_unit_id is not null

),
{% endfor %}
units as (
    {% for level in range(1, depth + 1) %}
    select
        record_hash,
        unit_number,
        article_id,
        serial_number,
        is_inside,
        file,
        line,
        known_at
    from found_{{ level }}
    where serial_number is not null
    {% if not loop.last %}union all{% endif %}
    {% endfor %}
),

-- A unit may have been in and out several times, or lie there by two ways: it was inside, or it was not.
decided as (

    select
        record_hash,
        unit_number,
        article_id,
        serial_number,
        bool_or(is_inside) as is_inside,
        max(known_at) as known_at
    from units
    group by record_hash, unit_number, article_id, serial_number

),

known_by as (

    select
        *,
        row_number() over (
            partition by record_hash, unit_number, article_id, serial_number order by known_at desc, file desc, line desc
        ) as age
    from units

)

select
    moved.record_hash,
    moved.content_hash,
    moved.version_id,
    moved.unit_id,
    moved.record_created_at,
    moved.movement_type,
    moved.happened_at,
    moved.site_id,
    moved.destination_site_id,
    moved.is_error_declaration,
    moved.is_withdrawn,
    decided.article_id,
    decided.serial_number,
    decided.is_inside,
    known_by.file,
    known_by.line,
    decided.known_at
from moved
inner join decided on moved.record_hash = decided.record_hash and moved.unit_number = decided.unit_number
inner join known_by
    on
        decided.record_hash = known_by.record_hash
        and decided.unit_number = known_by.unit_number
        and decided.article_id = known_by.article_id
        and decided.serial_number = known_by.serial_number
        and known_by.age = 1
-- Named beside its handling unit, a unit speaks for itself.
left join {{ ref('int_epcis_units') }} as named
    on
        moved.record_hash = named.record_hash
        and decided.article_id = named.article_id
        and decided.serial_number = named.serial_number
where named.record_hash is null
