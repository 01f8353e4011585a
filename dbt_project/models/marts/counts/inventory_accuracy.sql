-- One row per site and week (of its Monday): how right the books were by unit, and how right a bulk count would have called them.
with variances as (

    select * from {{ ref('count_variances') }}

),

weekly as (

    select
        site_id,
        cast(date_trunc('week', counted_date) as date) as week_start_date,
        count(distinct source_name || count_document_id) as count_documents,
        count(distinct article_id) as articles_counted,
        sum(book_units) as book_units,
        sum(counted_units) as counted_units,
        sum(matched_units) as matched_units,
        sum(missing_units) as missing_units,
        sum(surplus_units) as surplus_units,
        -- A bulk count sees numbers, not units: one missing and one found beyond the books cancel out.
        sum(least(book_units, counted_units)) as bulk_matched_units,
        sum(greatest(book_units, counted_units)) as bulk_units,
        count(*) filter (where adjusted_units > 0) as lines_adjusted,
        sum(adjusted_units) as adjusted_units,
        sum(matched_value) as matched_value,
        sum(missing_value + surplus_value) as wrong_value,
        -- Numbers alone cannot tell which units are right.
        sum(matched_units) filter (where count_basis_code = 'serial') as right_units,
        sum(matched_units + missing_units + surplus_units) filter (where count_basis_code = 'serial') as compared_units,
        sum(matched_value) filter (where count_basis_code = 'serial') as right_value,
        sum(matched_value + missing_value + surplus_value) filter (where count_basis_code = 'serial') as compared_value
    from variances
    group by site_id, cast(date_trunc('week', counted_date) as date)

)

select
    site_id,
    week_start_date,
    cast(count_documents as integer) as count_documents,
    cast(articles_counted as integer) as articles_counted,
    cast(book_units as integer) as book_units,
    cast(counted_units as integer) as counted_units,
    cast(matched_units as integer) as matched_units,
    cast(missing_units as integer) as missing_units,
    cast(surplus_units as integer) as surplus_units,
    cast(lines_adjusted as integer) as lines_adjusted,
    cast(adjusted_units as integer) as adjusted_units,
    cast(matched_value as decimal(18, 2)) as matched_value,
    cast(wrong_value as decimal(18, 2)) as wrong_value,
    right_units / cast(nullif(compared_units, 0) as double) as unit_accuracy_share,
    cast(right_value as double) / nullif(cast(compared_value as double), 0) as value_accuracy_share,
    bulk_matched_units / cast(nullif(bulk_units, 0) as double) as bulk_accuracy_share
from weekly
