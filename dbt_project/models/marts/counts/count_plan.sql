-- One row per site and article to count: the place in the plan, and what a count is expected to find.
with newest as (

    select * from {{ ref('int_count_plan_origins') }}
    where is_newest

),

expected as (

    select expectations.*
    from {{ ref('int_count_expectations') }} as expectations
    inner join newest on expectations.as_of_date = newest.as_of_date

),

open_discrepancies as (

    select
        coalesce(correction_from_site_id, correction_to_site_id, count_site_id, erp_site_id) as site_id,
        article_id,
        count(*) as open_discrepancies
    from {{ ref('serial_reconciliation') }}
    group by coalesce(correction_from_site_id, correction_to_site_id, count_site_id, erp_site_id), article_id

)

select
    expected.site_id,
    expected.article_id,
    articles.article_name,
    cast(row_number() over (
        partition by expected.site_id
        order by expected.expected_value desc, expected.expected_units desc, expected.article_id asc
    ) as integer) as site_rank,
    cast(row_number() over (
        order by expected.expected_value desc, expected.expected_units desc, expected.site_id asc, expected.article_id asc
    ) as integer) as overall_rank,
    expected.stock_units,
    expected.overdue_units,
    expected.contradicted_units,
    cast(coalesce(open_discrepancies.open_discrepancies, 0) as integer) as open_discrepancies,
    expected.last_counted_date,
    expected.days_since_count,
    expected.difference_rate,
    expected.expected_units,
    expected.expected_value,
    expected.as_of_date
from expected
left join open_discrepancies
    on expected.site_id = open_discrepancies.site_id and expected.article_id = open_discrepancies.article_id
left join {{ ref('articles') }} as articles on expected.article_id = articles.article_id
