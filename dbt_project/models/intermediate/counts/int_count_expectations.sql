-- One row per day of a plan, site and article with stock or a unit in doubt: units and value a count is expected to find.
with histories as (

    select * from {{ ref('int_count_histories') }}
    where stock_units > 0 or overdue_units > 0

),

expected as (

    select
        histories.*,
        rates.difference_rate,
        round(
            cast(
                coalesce(rates.difference_rate, 0) * histories.unit_days_since_count
                + histories.overdue_units * doubts.overdue_share
                + histories.contradicted_units * doubts.contradicted_share as double
            ),
            6
        ) as expected_units,
        coalesce(article_values.unit_value, 0) as unit_value
    from histories
    left join {{ ref('int_count_rates') }} as rates
        on
            histories.as_of_date = rates.as_of_date
            and histories.site_id = rates.site_id
            and histories.article_id = rates.article_id
    inner join {{ ref('int_count_doubts') }} as doubts on histories.as_of_date = doubts.as_of_date
    left join {{ ref('int_article_values') }} as article_values on histories.article_id = article_values.article_id

)

select
    as_of_date,
    site_id,
    article_id,
    cast(stock_units as integer) as stock_units,
    cast(overdue_units as integer) as overdue_units,
    cast(contradicted_units as integer) as contradicted_units,
    last_counted_date,
    cast(days_since_count as integer) as days_since_count,
    difference_rate,
    expected_units,
    cast(round(expected_units * unit_value, 2) as decimal(18, 2)) as expected_value
from expected
