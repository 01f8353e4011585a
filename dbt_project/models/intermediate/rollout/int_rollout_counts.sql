-- One row per planned site, count document, storage location and article: book quantity against counted quantity.
with counts as (

    select * from {{ ref('int_count_results') }}
    where not is_withdrawn

),

sites as (

    select
        plan.site_id,
        loaded.go_live_date,
        loaded.counted_until_date
    from {{ ref('stg_rollout__waves') }} as plan
    left join {{ ref('int_sites_loaded') }} as loaded on plan.site_id = loaded.site_id

),

by_unit as (

    select
        counts.site_id,
        counts.count_document_id,
        coalesce(counts.storage_location_id, '') as storage_location_id,
        counts.article_id,
        min(counts.counted_date) as counted_date,
        min(min(counts.counted_from_at)) over (
            partition by counts.site_id, counts.count_document_id, coalesce(counts.storage_location_id, '')
        ) as began_at,
        cast(count(*) as decimal(15, 3)) as counted_quantity
    from counts
    inner join sites on counts.site_id = sites.site_id
    where
        counts.serial_number is not null
        and counts.counted_date > sites.counted_until_date
        and counts.counted_date <= sites.go_live_date + 7 * {{ var('rollout_measured_weeks') }}
    group by counts.site_id, counts.count_document_id, coalesce(counts.storage_location_id, ''), counts.article_id

),

-- The book of a count is what the ledger had in stock there when counting began.
booked as (

    select
        by_unit.site_id,
        by_unit.count_document_id,
        by_unit.storage_location_id,
        by_unit.article_id,
        cast(count(*) as decimal(15, 3)) as book_quantity
    from by_unit
    inner join {{ ref('serial_stays') }} as stays
        on
            by_unit.site_id = stays.site_id
            and by_unit.article_id = stays.article_id
            and by_unit.storage_location_id = coalesce(stays.storage_location_id, '')
            and by_unit.began_at >= stays.valid_from_at
            and by_unit.began_at < stays.valid_to_at
    where stays.unit_state = 'in_stock'
    group by by_unit.site_id, by_unit.count_document_id, by_unit.storage_location_id, by_unit.article_id

)

select
    by_unit.site_id,
    by_unit.count_document_id,
    by_unit.storage_location_id,
    by_unit.article_id,
    by_unit.counted_date,
    coalesce(booked.book_quantity, 0) as book_quantity,
    by_unit.counted_quantity
from by_unit
left join booked
    on
        by_unit.site_id = booked.site_id
        and by_unit.count_document_id = booked.count_document_id
        and by_unit.storage_location_id = booked.storage_location_id
        and by_unit.article_id = booked.article_id
union all
select
    counts.site_id,
    counts.count_document_id,
    coalesce(counts.storage_location_id, '') as storage_location_id,
    counts.article_id,
    min(counts.counted_date) as counted_date,
    sum(counts.book_quantity) as book_quantity,
    sum(counts.counted_quantity) as counted_quantity
from counts
inner join sites on counts.site_id = sites.site_id
where
    counts.serial_number is null
    and counts.book_quantity is not null
    and (sites.go_live_date is null or counts.counted_date < sites.go_live_date)
group by counts.site_id, counts.count_document_id, coalesce(counts.storage_location_id, ''), counts.article_id
