-- One row per planned site, count document, storage location and article: what the books said, and what was found.
{{ config(materialized='view') }}

with counts as (

    select * from {{ ref('count_variances') }}

),

sites as (

    select
        plan.site_id,
        loaded.go_live_date,
        loaded.counted_until_date
    from {{ ref('stg_rollout__waves') }} as plan
    left join {{ ref('int_sites_loaded') }} as loaded on plan.site_id = loaded.site_id

)

select
    counts.site_id,
    counts.count_document_id,
    counts.storage_location_id,
    counts.article_id,
    counts.counted_date,
    counts.book_units,
    counts.counted_units,
    counts.adjusted_units,
    counts.count_basis_code
from counts
inner join sites on counts.site_id = sites.site_id
where
    -- A count by quantity from a device or the WMS names no books to hold it against.
    (
        counts.count_basis_code = 'quantity'
        and counts.source_name in ('sap', 'tryton')
        and (sites.go_live_date is null or counts.counted_date < sites.go_live_date)
    )
    -- The count of the cut-over checks the load, and comes before there is a book to be right or wrong.
    or (
        counts.count_basis_code = 'serial'
        and counts.counted_date > sites.counted_until_date
        and counts.counted_date <= sites.go_live_date + 7 * {{ var('rollout_measured_weeks') }}
    )
