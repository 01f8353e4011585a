-- One row per day of a plan, site and article: differences that a unit-day leads to, as learned from the counts before that day.
with histories as (

    select * from {{ ref('int_count_histories') }}

),

overall as (

    select
        as_of_date,
        sum(differences) / nullif(cast(sum(unit_days) as double), 0) as overall_rate
    from histories
    group by as_of_date

),

sites as (

    select
        histories.as_of_date,
        histories.site_id,
        sum(histories.differences) as differences,
        sum(histories.unit_days) * max(overall.overall_rate) as expected
    from histories
    inner join overall on histories.as_of_date = overall.as_of_date
    group by histories.as_of_date, histories.site_id

),

articles as (

    select
        histories.as_of_date,
        histories.article_id,
        sum(histories.differences) as differences,
        sum(histories.unit_days) * max(overall.overall_rate) as expected
    from histories
    inner join overall on histories.as_of_date = overall.as_of_date
    group by histories.as_of_date, histories.article_id

),

sites_spread as (

    select
        *,
        {{ spread('differences', 'expected', 'as_of_date') }} as spread
    from sites

),

articles_spread as (

    select
        *,
        {{ spread('differences', 'expected', 'as_of_date') }} as spread
    from articles

),

-- A line is expected to be as its site and its article are.
lines as (

    select
        histories.as_of_date,
        histories.site_id,
        histories.article_id,
        histories.differences,
        overall.overall_rate
        * {{ shrunk_ratio('sites_spread.differences', 'sites_spread.expected', 'sites_spread.spread') }}
        * {{ shrunk_ratio('articles_spread.differences', 'articles_spread.expected', 'articles_spread.spread') }} as prior_rate,
        histories.unit_days
    from histories
    inner join overall on histories.as_of_date = overall.as_of_date
    left join sites_spread
        on histories.as_of_date = sites_spread.as_of_date and histories.site_id = sites_spread.site_id
    left join articles_spread
        on histories.as_of_date = articles_spread.as_of_date and histories.article_id = articles_spread.article_id

),

lines_spread as (

    select
        *,
        {{ spread('differences', '(prior_rate * unit_days)', 'as_of_date') }} as spread
    from lines

)

select
    as_of_date,
    site_id,
    article_id,
    -- The order in which a machine adds up shows in the last digits, and must not.
    round(
        cast(prior_rate * {{ shrunk_ratio('differences', '(prior_rate * unit_days)', 'spread') }} as double), 9
    ) as difference_rate
from lines_spread
