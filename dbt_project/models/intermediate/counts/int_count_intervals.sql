-- One row per site, article and day of a count: what was newly found wrong, and the unit-days since the count before.
with counted as (

    select
        site_id,
        article_id,
        counted_date,
        sum(book_units) as book_units,
        sum(counted_units) as counted_units,
        -- What was found wrong once before and not posted is no news.
        sum(missing_units + surplus_units - repeated_units) as new_differences
    from {{ ref('count_variances') }}
    where count_basis_code = 'serial'
    group by site_id, article_id, counted_date

),

contradicted as (

    select
        article_id,
        serial_number,
        min(moved_at) as contradicted_at
    from {{ ref('serial_movements') }}
    where conflict_code is not null
    group by article_id, serial_number

),

-- Differences of units that were in doubt before the count tell how much a doubt is worth, and nothing of the others.
doubted as (

    select
        differences.site_id,
        differences.article_id,
        differences.counted_date,
        count(*) filter (where differences.book_unit_state = 'in_transit') as overdue_found,
        count(*) filter (where differences.book_unit_state = 'in_stock') as contradicted_found
    from {{ ref('int_count_differences') }} as differences
    left join contradicted
        on
            differences.article_id = contradicted.article_id
            and differences.serial_number = contradicted.serial_number
            and differences.counted_from_at > contradicted.contradicted_at
    where
        not differences.is_repeated
        and (differences.book_unit_state = 'in_transit' or contradicted.article_id is not null)
    group by differences.site_id, differences.article_id, differences.counted_date

),

sequenced as (

    select
        *,
        lag(counted_units) over line as counted_units_before,
        counted_date - lag(counted_date) over line as days_since_count
    from counted
    window line as (partition by site_id, article_id order by counted_date)

)

select
    sequenced.site_id,
    sequenced.article_id,
    sequenced.counted_date,
    sequenced.book_units,
    sequenced.counted_units,
    sequenced.new_differences,
    coalesce(doubted.overdue_found, 0) as overdue_found,
    coalesce(doubted.contradicted_found, 0) as contradicted_found,
    -- Stock between two counts as a line from one to the other (trapezoid); before the first count as it was then.
    (sequenced.book_units + coalesce(sequenced.counted_units_before, sequenced.book_units)) / 2.0
    * coalesce(sequenced.days_since_count, {{ var('count_plan_first_interval_days') }}) as unit_days
from sequenced
left join doubted
    on
        sequenced.site_id = doubted.site_id
        and sequenced.article_id = doubted.article_id
        and sequenced.counted_date = doubted.counted_date
