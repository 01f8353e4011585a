-- One row per unit or quantity that a handheld or the WMS reported for a count, in the newest version of each report.
{{ config(materialized='view') }}

with scans as (

    select
        scan_id,
        count_document_id,
        site_id,
        storage_location_id,
        article_id,
        serial_number,
        action,
        scanned_at,
        file,
        line,
        ingested_at,
        row_number() over (partition by scan_id order by ingested_at desc, file desc, line desc) as age
    from {{ ref('stg_handheld__scans') }}

),

wms_counts as (

    select
        *,
        -- A bulk line has no serial number to be told apart by.
        row_number() over (
            partition by count_document_id, article_id, coalesce(serial_number, cast(line as varchar) || file)
            order by ingested_at desc, file desc, line desc
        ) as age
    from {{ ref('stg_wms__counts') }}

)

select
    'handheld' as source_name,
    -- A count that bears no number is the site's count of that day.
    coalesce(count_document_id, site_id || '/' || cast(cast(scanned_at as date) as varchar)) as count_document_id,
    site_id,
    storage_location_id,
    article_id,
    serial_number,
    1 as counted_quantity,
    scanned_at as counted_at,
    ingested_at
from scans
where age = 1 and action = 'count'
union all
select
    'wms' as source_name,
    count_document_id,
    site_id,
    storage_location_id,
    article_id,
    serial_number,
    quantity as counted_quantity,
    counted_at,
    ingested_at
from wms_counts
where age = 1
