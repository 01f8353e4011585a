-- One row per event of a partner that builds a component into a unit, or takes it out.
{{ config(materialized='view') }}

with units as (

    select * from {{ ref('stg_epcis__event_units') }}
    where event_type in ('AggregationEvent', 'TransformationEvent')

),

gtins as (

    select * from {{ ref('stg_sap__article_gtins') }}

),

declarations as (

    select distinct version_id from units
    where is_error_declaration

),

-- A component need not be an article of ours: then its trade item number names it.
named as (

    select
        units.*,
        coalesce(gtins.article_id, units.gtin_code) as article_id,
        greatest(units.ingested_at, gtins.ingested_at) as known_at,
        count(*) filter (where units.unit_role = 'output' and units.serial_number is not null) over (
            partition by units.record_hash, units.file, units.line
        ) as outputs
    from units
    left join gtins on units.gtin_code = gtins.gtin_code
    left join declarations on units.version_id = declarations.version_id
    where declarations.version_id is null

),

-- A unit that is a parent holds its children; what went into the making of one unit is in it.
wholes as (

    select * from named
    where serial_number is not null and (unit_role = 'parent' or (unit_role = 'output' and outputs = 1))

),

parts as (

    select * from named
    where unit_role in ('child', 'input') and (serial_number is not null or lot_id is not null)

)

select
    parts.version_id as document_id,
    wholes.article_id as parent_article_id,
    wholes.serial_number as parent_serial_number,
    parts.article_id as component_article_id,
    parts.serial_number as component_serial_number,
    parts.lot_id as component_batch_id,
    coalesce(parts.action, '') = 'DELETE' as is_removal,
    parts.happened_at,
    parts.file,
    parts.line,
    greatest(parts.known_at, wholes.known_at) as ingested_at
from parts
inner join wholes on parts.record_hash = wholes.record_hash and parts.file = wholes.file and parts.line = wholes.line
