-- One row per unit, or article and storage location without serial numbers, found by the count of a site's cut-over.
with counts as (

    select * from {{ ref('int_count_results') }}
    where not is_withdrawn

),

sites as (

    select * from {{ ref('int_sites_loaded') }}

)

select
    counts.site_id,
    counts.article_id,
    counts.serial_number,
    coalesce(min(counts.storage_location_id), '') as storage_location_id,
    max(counts.counted_date) as counted_date,
    case when counts.serial_number is null then sum(counts.counted_quantity) else 1 end as counted_quantity
from counts
inner join sites
    on counts.site_id = sites.site_id and counts.counted_date between sites.counted_from_date and sites.counted_until_date
group by
    counts.site_id,
    counts.article_id,
    counts.serial_number,
    case when counts.serial_number is null then counts.storage_location_id end
