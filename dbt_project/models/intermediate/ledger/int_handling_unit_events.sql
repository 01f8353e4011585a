-- One row per record of a source that says what was packed into, or unpacked from, a handling unit.
-- What is in it is a unit, or another handling unit; neither: everything was unpacked.
{{ config(materialized='incremental', incremental_strategy='append', on_schema_change='fail') }}

with
{{ packed_by_deliveries() }},

aggregations as (

    select
        *,
        count(*) over (partition by record_hash, file, line) as units_named
    from {{ ref('stg_epcis__event_units') }}
    where event_type = 'AggregationEvent'

),

packed as (

    select * from by_deliveries
    union all
    select
        'sap_tables' as source_name,
        cast(headers.object_list_id as varchar) as document_id,
        list_lines.article_id,
        list_lines.serial_number,
        cast(null as varchar) as inner_handling_unit_id,
        headers.handling_unit_id,
        'packed' as event_code,
        cast(headers.packed_date as timestamp) as happened_at,
        cast(null as timestamp) as told_at,
        headers.is_deleted or list_lines.is_deleted as is_withdrawn,
        case when headers.ingested_at > list_lines.ingested_at then headers.file else list_lines.file end as file,
        case when headers.ingested_at > list_lines.ingested_at then headers.line else list_lines.line end as line,
        greatest(headers.ingested_at, list_lines.ingested_at) as ingested_at
    from {{ ref('stg_sap__serial_packing_headers') }} as headers
    inner join {{ ref('stg_sap__object_list_lines') }} as list_lines
        on headers.object_list_id = list_lines.object_list_id and list_lines.header_table_name = 'SER06'
    where greatest(headers.ingested_at, list_lines.ingested_at) > {{ watermark() }}
    union all
    -- OBSERVE saw the goods in it; a parent that is no handling unit is a unit that has parts.
    select
        'epcis' as source_name,
        units.version_id as document_id,
        gtins.article_id,
        units.serial_number,
        case
            when units.unit_role = 'child' then {{ without_leading_zeros('units.handling_unit_id') }}
        end as inner_handling_unit_id,
        {{ without_leading_zeros("regexp_extract(units.parent_id, '/00/([0-9]{18})', 1)") }} as handling_unit_id,
        case
            when units.unit_role = 'parent' then 'emptied'
            when units.action = 'DELETE' then 'unpacked'
            else 'packed'
        end as event_code,
        units.happened_at,
        cast(null as timestamp) as told_at,
        units.is_error_declaration as is_withdrawn,
        units.file,
        units.line,
        greatest(units.ingested_at, gtins.ingested_at) as ingested_at
    from aggregations as units
    left join {{ ref('stg_sap__article_gtins') }} as gtins on units.gtin_code = gtins.gtin_code
    where
        units.parent_id like '%/00/%'
        and greatest(units.ingested_at, gtins.ingested_at) > {{ watermark() }}
        and (
            (units.unit_role = 'child' and (gtins.article_id is not null or units.handling_unit_id is not null))
            or (units.unit_role = 'parent' and units.action = 'DELETE' and units.units_named = 1)
        )
    union all
    select
        'wms' as source_name,
        document_id,
        article_id,
        serial_number,
        cast(null as varchar) as inner_handling_unit_id,
        {{ without_leading_zeros('handling_unit_id') }} as handling_unit_id,
        'unpacked' as event_code,
        received_at as happened_at,
        cast(null as timestamp) as told_at,
        false as is_withdrawn,
        file,
        line,
        ingested_at
    from {{ ref('stg_wms__receipts') }}
    where handling_unit_id is not null and serial_number is not null and ingested_at > {{ watermark() }}
    union all
    select
        'handheld' as source_name,
        scan_id as document_id,
        article_id,
        serial_number,
        cast(null as varchar) as inner_handling_unit_id,
        {{ without_leading_zeros('handling_unit_id') }} as handling_unit_id,
        'unpacked' as event_code,
        scanned_at as happened_at,
        cast(null as timestamp) as told_at,
        false as is_withdrawn,
        file,
        line,
        ingested_at
    from {{ ref('stg_handheld__scans') }}
    where handling_unit_id is not null and action = 'receive' and ingested_at > {{ watermark() }}

)

select
    *,
    case
        when serial_number is not null then article_id || '/' || serial_number
        else inner_handling_unit_id
    end as content_id
from packed
where handling_unit_id is not null and happened_at is not null
