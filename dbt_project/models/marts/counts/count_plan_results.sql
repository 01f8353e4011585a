-- One row per earlier day and way of choosing what to count: what the counts that followed found in the lines that it put first.
with lines as (

    select
        expectations.as_of_date,
        expectations.site_id,
        expectations.article_id,
        expectations.expected_value,
        expectations.expected_units,
        expectations.days_since_count,
        min_by(intervals.new_differences, intervals.counted_date) as found_units,
        min_by(intervals.new_differences, intervals.counted_date) * max(article_values.unit_value) as found_value
    from {{ ref('int_count_expectations') }} as expectations
    inner join {{ ref('int_count_plan_origins') }} as origins
        on expectations.as_of_date = origins.as_of_date and not origins.is_newest
    -- The first count after that day judges; a line that nobody counted then judges nothing.
    inner join {{ ref('int_count_intervals') }} as intervals
        on
            expectations.site_id = intervals.site_id
            and expectations.article_id = intervals.article_id
            and expectations.as_of_date < intervals.counted_date
            and intervals.counted_date <= expectations.as_of_date + {{ var('count_plan_following_days') }}
    left join {{ ref('int_article_values') }} as article_values on expectations.article_id = article_values.article_id
    group by all

),

ranked as (

    select
        *,
        row_number() over (
            partition by as_of_date order by expected_value desc, expected_units desc, site_id asc, article_id asc
        ) as rank_by_plan,
        row_number() over (
            partition by as_of_date order by days_since_count desc, {{ row_hash(['site_id', 'article_id']) }}
        ) as rank_by_longest_ago,
        count(*) over (partition by as_of_date) as lines,
        ceil({{ var('count_plan_top_share') }} * count(*) over (partition by as_of_date)) as top_lines
    from lines

),

chosen as (

    {% for method in ('plan', 'longest_ago') -%}
    select
        as_of_date,
        '{{ method }}' as method_code,
        max(lines) as lines,
        max(top_lines) as top_lines,
        sum(found_units) as all_units,
        sum(found_value) as all_value,
        cast(coalesce(sum(found_units) filter (where rank_by_{{ method }} <= top_lines), 0) as double) as found_units,
        cast(coalesce(sum(found_value) filter (where rank_by_{{ method }} <= top_lines), 0) as double) as found_value
    from ranked
    group by as_of_date
    union all
    {% endfor -%}
    -- Lines taken at random find, on average, as much of everything as they are of the lines.
    select
        as_of_date,
        'random' as method_code,
        max(lines) as lines,
        max(top_lines) as top_lines,
        sum(found_units) as all_units,
        sum(found_value) as all_value,
        cast(sum(found_units) as double) * max(top_lines) / max(lines) as found_units,
        cast(sum(found_value) as double) * max(top_lines) / max(lines) as found_value
    from ranked
    group by as_of_date

)

select
    as_of_date,
    method_code,
    cast(lines as integer) as lines,
    cast(top_lines as integer) as lines_chosen,
    cast(all_units as integer) as units_to_find,
    cast(coalesce(all_value, 0) as decimal(18, 2)) as value_to_find,
    found_units as units_found,
    cast(coalesce(found_value, 0) as decimal(18, 2)) as value_found,
    found_units / nullif(cast(all_units as double), 0) as units_share,
    coalesce(found_value, 0) / nullif(cast(all_value as double), 0) as value_share
from chosen
