-- One row per day for which a plan is made: the newest day of the ledger, and days before it on which the plan is judged.
{{ config(materialized='view') }}

with newest as (

    select max(stock_date) as newest_date from {{ ref('stock_daily') }}

),

days as (

    select
        newest.newest_date,
        cast(day_series.plan_day as date) as as_of_date
    from newest
    cross join unnest({{ day_series(
        "newest.newest_date - " ~ var('count_plan_judged_origins') ~ " * " ~ var('count_plan_origin_days'), 'newest.newest_date'
    ) }}) as day_series (plan_day)
    where newest.newest_date is not null

)

select
    as_of_date,
    as_of_date = newest_date as is_newest
from days
where (newest_date - as_of_date) % {{ var('count_plan_origin_days') }} = 0
