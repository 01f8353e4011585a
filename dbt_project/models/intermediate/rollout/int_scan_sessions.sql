-- One row per site, task, document, device and delivered file: when its scanning began and ended.
{{ config(materialized='incremental', incremental_strategy='append', on_schema_change='fail') }}

select
    site_id,
    case action when 'receive' then 'receipt' when 'transfer' then 'transfer' else 'count' end as task_name,
    case action
        when 'receive' then coalesce(delivery_id, document_id)
        when 'count' then coalesce(count_document_id, document_id)
        else document_id
    end as document_id,
    coalesce(device_id, '') as device_id,
    file,
    cast(min(scanned_at) as date) as scanned_date,
    min(scanned_at) as first_scanned_at,
    max(scanned_at) as last_scanned_at,
    count(distinct scan_id) as scans,
    max(ingested_at) as ingested_at
from {{ ref('stg_handheld__scans') }}
where
    action in ('receive', 'transfer', 'count')
    and ingested_at > {{ watermark() }}
group by
    site_id,
    case action when 'receive' then 'receipt' when 'transfer' then 'transfer' else 'count' end,
    case action
        when 'receive' then coalesce(delivery_id, document_id)
        when 'count' then coalesce(count_document_id, document_id)
        else document_id
    end,
    coalesce(device_id, ''),
    file
