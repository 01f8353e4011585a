-- One row per site and week: what tasks with goods took, by task times and by scans.
{{ config(materialized='view') }}

-- Several files may each tell of a part of a session.
with sessions as (

    select
        site_id,
        task_name,
        document_id,
        device_id,
        min(scanned_date) as worked_date,
        cast(round({{ days_between('min(first_scanned_at)', 'max(last_scanned_at)') }} * 86400) as bigint) as seconds,
        sum(scans) as scans
    from {{ ref('int_scan_sessions') }}
    group by site_id, task_name, document_id, device_id

),

-- Before the first scan of a session nobody knows when it began: it has one interval less than scans.
work as (

    select
        site_id,
        worked_date,
        task_name,
        cast(null as bigint) as seconds,
        cast(null as bigint) as intervals,
        units,
        minutes
    from {{ ref('stg_rollout__task_times') }}
    union all
    select
        site_id,
        worked_date,
        task_name,
        seconds,
        scans - 1 as intervals,
        null as units,
        null as minutes
    from sessions
    where scans > 1

)

select
    site_id,
    cast(date_trunc('week', worked_date) as date) as week_start_date,
    sum(case when task_name = 'receipt' then units end) as receipt_units,
    sum(case when task_name = 'receipt' then minutes end) as receipt_minutes,
    sum(case when task_name = 'transfer' then units end) as transfer_units,
    sum(case when task_name = 'transfer' then minutes end) as transfer_minutes,
    sum(case when task_name = 'count' then units end) as count_units,
    sum(case when task_name = 'count' then minutes end) as count_minutes,
    sum(case when task_name = 'receipt' then seconds end) as receipt_seconds,
    sum(case when task_name = 'receipt' then intervals end) as receipt_intervals,
    sum(case when task_name = 'transfer' then seconds end) as transfer_seconds,
    sum(case when task_name = 'transfer' then intervals end) as transfer_intervals,
    sum(case when task_name = 'count' then seconds end) as count_seconds,
    sum(case when task_name = 'count' then intervals end) as count_intervals
from work
group by site_id, cast(date_trunc('week', worked_date) as date)
