-- One row per line of a physical inventory document and serial number listed for it; without serial numbers, one per line.
{{ config(materialized='view') }}

with lines as (

    select * from {{ ref('stg_sap__inventory_document_lines') }}

),

headers as (

    select * from {{ ref('stg_sap__inventory_document_headers') }}

),

listed as (

    select
        serial_headers.count_document_id,
        serial_headers.count_document_line,
        list_lines.serial_number,
        greatest(serial_headers.ingested_at, list_lines.ingested_at) as ingested_at
    from {{ ref('stg_sap__serial_count_headers') }} as serial_headers
    inner join {{ ref('stg_sap__object_list_lines') }} as list_lines
        on serial_headers.object_list_id = list_lines.object_list_id
    where not serial_headers.is_deleted and not list_lines.is_deleted and list_lines.header_table_name = 'SER07'

)

select
    'sap' as source_name,
    lines.count_document_id,
    coalesce(lines.site_id, headers.site_id) as site_id,
    coalesce(lines.storage_location_id, headers.storage_location_id) as storage_location_id,
    lines.article_id,
    listed.serial_number,
    case when listed.serial_number is not null then 1 else lines.counted_quantity end as counted_quantity,
    lines.book_quantity,
    -- The document lists the articles that it covers, also those of which nothing was found.
    true as is_listing_articles,
    lines.is_difference_posted,
    lines.is_deleted or coalesce(headers.is_deleted, false) or not lines.is_counted as is_withdrawn,
    headers.counted_date,
    cast(null as timestamp) as counted_at,
    greatest(
        lines.ingested_at,
        coalesce(headers.ingested_at, lines.ingested_at),
        coalesce(listed.ingested_at, lines.ingested_at)
    ) as ingested_at
from lines
inner join headers on lines.count_document_id = headers.count_document_id
left join listed
    on lines.count_document_id = listed.count_document_id and lines.count_document_line = listed.count_document_line
where headers.counted_date is not null
