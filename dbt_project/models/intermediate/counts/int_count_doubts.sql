-- One row per day of a plan: share of the units in doubt that counts before that day found otherwise than the books said.
with origins as (

    select * from {{ ref('int_count_plan_origins') }}

),

doubts as (

    select
        intervals.counted_date,
        intervals.overdue_found,
        intervals.contradicted_found,
        coalesce(suspects.overdue_units, 0) as overdue_units,
        coalesce(suspects.contradicted_units, 0) as contradicted_units
    from {{ ref('int_count_intervals') }} as intervals
    left join {{ ref('int_count_suspects') }} as suspects
        on
            intervals.site_id = suspects.site_id
            and intervals.article_id = suspects.article_id
            and intervals.counted_date = suspects.at_date

)

-- The mean of a beta distribution that starts from one of ten.
select
    origins.as_of_date,
    (coalesce(sum(doubts.overdue_found), 0) + 1.0)
    / (greatest(coalesce(sum(doubts.overdue_units), 0), coalesce(sum(doubts.overdue_found), 0)) + 10.0) as overdue_share,
    (coalesce(sum(doubts.contradicted_found), 0) + 1.0)
    / (greatest(coalesce(sum(doubts.contradicted_units), 0), coalesce(sum(doubts.contradicted_found), 0)) + 10.0)
        as contradicted_share
from origins
left join doubts on origins.as_of_date >= doubts.counted_date
group by origins.as_of_date
