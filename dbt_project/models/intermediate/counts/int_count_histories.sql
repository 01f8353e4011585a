-- One row per day of a plan, site and article that was counted before it or has stock then: what counts had found by that day.
with origins as (

    select * from {{ ref('int_count_plan_origins') }}

),

intervals as (

    select * from {{ ref('int_count_intervals') }}

),

history as (

    select
        origins.as_of_date,
        intervals.site_id,
        intervals.article_id,
        sum(greatest(intervals.new_differences - intervals.overdue_found - intervals.contradicted_found, 0)) as differences,
        sum(intervals.unit_days) as unit_days,
        max(intervals.counted_date) as last_counted_date,
        max_by(intervals.counted_units, intervals.counted_date) as last_counted_units
    from origins
    inner join intervals on origins.as_of_date >= intervals.counted_date
    group by origins.as_of_date, intervals.site_id, intervals.article_id

),

stocked as (

    select
        origins.as_of_date,
        stock.site_id,
        stock.article_id,
        sum(stock.units) as stock_units
    from origins
    inner join {{ ref('stock_daily') }} as stock on origins.as_of_date = stock.stock_date
    where stock.stock_type_code in ('01', '02', '03', '07', '08') and stock.special_stock_code <> 'O' and stock.units > 0
    group by origins.as_of_date, stock.site_id, stock.article_id

),

joined as (

    select
        coalesce(history.as_of_date, stocked.as_of_date) as as_of_date,
        coalesce(history.site_id, stocked.site_id) as site_id,
        coalesce(history.article_id, stocked.article_id) as article_id,
        coalesce(history.differences, 0) as differences,
        coalesce(history.unit_days, 0) as unit_days,
        history.last_counted_date,
        history.last_counted_units,
        coalesce(stocked.stock_units, 0) as stock_units
    from history
    full outer join stocked
        on
            history.as_of_date = stocked.as_of_date
            and history.site_id = stocked.site_id
            and history.article_id = stocked.article_id

)

select
    joined.*,
    coalesce(suspects.overdue_units, 0) as overdue_units,
    coalesce(suspects.contradicted_units, 0) as contradicted_units,
    coalesce(joined.as_of_date - joined.last_counted_date, {{ var('count_plan_never_counted_days') }}) as days_since_count,
    (joined.stock_units + coalesce(joined.last_counted_units, joined.stock_units)) / 2.0
    * coalesce(joined.as_of_date - joined.last_counted_date, {{ var('count_plan_never_counted_days') }}) as unit_days_since_count
from joined
left join {{ ref('int_count_suspects') }} as suspects
    on
        joined.site_id = suspects.site_id
        and joined.article_id = suspects.article_id
        and joined.as_of_date = suspects.at_date
