-- One row per unit, or article without serial numbers, that a count found: handhelds, warehouse management, ERP.
{{ config(materialized='view') }}

-- A unit scanned twice in one count is one unit.
with scans as (

    select
        count_document_id,
        site_id,
        storage_location_id,
        article_id,
        serial_number,
        min(scanned_at) as counted_at
    from {{ ref('stg_handheld__scans') }}
    where action = 'count' and serial_number is not null
    group by count_document_id, site_id, storage_location_id, article_id, serial_number

)

select
    coalesce(count_document_id, site_id || '/' || cast(cast(counted_at as date) as varchar)) as count_document_id,
    site_id,
    storage_location_id,
    article_id,
    serial_number,
    cast(null as varchar) as stock_type_code,
    counted_at,
    cast(counted_at as date) as counted_date,
    cast(null as decimal(15, 3)) as book_quantity,
    cast(1 as decimal(15, 3)) as counted_quantity
from scans
union all
select
    count_document_id,
    site_id,
    storage_location_id,
    article_id,
    serial_number,
    cast(null as varchar) as stock_type_code,
    counted_at,
    cast(counted_at as date) as counted_date,
    cast(null as decimal(15, 3)) as book_quantity,
    case when serial_number is null then quantity else 1 end as counted_quantity
from {{ ref('stg_wms__counts') }}
union all
select
    count_document_id,
    site_id,
    storage_location_id,
    article_id,
    cast(null as varchar) as serial_number,
    stock_type_code,
    cast(counted_date as timestamp) as counted_at,
    counted_date,
    book_quantity,
    counted_quantity
from {{ ref('stg_sap__physical_inventory_lines') }}
