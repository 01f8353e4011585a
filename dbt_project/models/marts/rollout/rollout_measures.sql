-- One row per planned site and week that was measured.
with sites as (

    select * from {{ ref('rollout_sites') }}
    where wave_number is not null

),

counted as (

    select
        site_id,
        cast(date_trunc('week', counted_date) as date) as week_start_date,
        sum(book_units) as book_units,
        sum(counted_units) as counted_units,
        sum(abs(counted_units - book_units)) as units_off
    from {{ ref('int_rollout_counts') }}
    group by site_id, cast(date_trunc('week', counted_date) as date)

),

adjusted as (

    select
        site_id,
        cast(date_trunc('week', adjusted_date) as date) as week_start_date,
        sum(quantity) as adjusted_units
    from {{ ref('int_rollout_adjustments') }}
    group by site_id, cast(date_trunc('week', adjusted_date) as date)

),

worked as (

    select * from {{ ref('int_rollout_labour') }}

),

weeks as (

    select
        site_id,
        week_start_date
    from counted
    union
    select
        site_id,
        week_start_date
    from adjusted
    union
    select
        site_id,
        week_start_date
    from worked

),

placed as (

    select
        weeks.site_id,
        weeks.week_start_date,
        sites.wave_number,
        sites.go_live_date,
        cast(date_trunc('week', sites.go_live_date) as date) as go_live_week_date
    from weeks
    inner join sites on weeks.site_id = sites.site_id

)

select
    placed.site_id,
    placed.week_start_date,
    placed.wave_number,
    placed.go_live_date,
    cast(date_diff('day', placed.go_live_week_date, placed.week_start_date) / 7 as integer) as weeks_since_go_live,
    case
        when placed.go_live_date is null or placed.week_start_date < placed.go_live_week_date then 'bulk'
        when placed.week_start_date = placed.go_live_week_date and placed.go_live_date > placed.go_live_week_date then 'changing'
        else 'serial'
    end as tracking_name,
    cast(counted.book_units as integer) as book_units,
    cast(counted.counted_units as integer) as counted_units,
    cast(counted.units_off as integer) as units_off,
    1 - cast(counted.units_off as double) / nullif(counted.book_units, 0) as accuracy_share,
    cast(coalesce(adjusted.adjusted_units, 0) as integer) as adjusted_units,
    cast(worked.receipt_units as integer) as receipt_units,
    cast(worked.receipt_minutes as decimal(15, 2)) as receipt_minutes,
    cast(worked.receipt_minutes as double) / nullif(worked.receipt_units, 0) as receipt_minutes_per_unit,
    cast(worked.transfer_units as integer) as transfer_units,
    cast(worked.transfer_minutes as decimal(15, 2)) as transfer_minutes,
    cast(worked.transfer_minutes as double) / nullif(worked.transfer_units, 0) as transfer_minutes_per_unit,
    cast(worked.count_units as integer) as count_units,
    cast(worked.count_minutes as decimal(15, 2)) as count_minutes,
    cast(worked.count_minutes as double) / nullif(worked.count_units, 0) as count_minutes_per_unit,
    cast(worked.receipt_seconds as double) / nullif(worked.receipt_intervals, 0) as scanned_receipt_seconds_per_unit,
    cast(worked.transfer_seconds as double) / nullif(worked.transfer_intervals, 0) as scanned_transfer_seconds_per_unit,
    cast(worked.count_seconds as double) / nullif(worked.count_intervals, 0) as scanned_count_seconds_per_unit
from placed
left join counted on placed.site_id = counted.site_id and placed.week_start_date = counted.week_start_date
left join adjusted on placed.site_id = adjusted.site_id and placed.week_start_date = adjusted.week_start_date
left join worked on placed.site_id = worked.site_id and placed.week_start_date = worked.week_start_date
