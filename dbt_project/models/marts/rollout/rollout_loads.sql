-- One row per site, storage location, article and stock type of legacy stock, initial load or count at cut-over.
with counts as (

    select * from {{ ref('int_cut_over_counts') }}

),

quantities as (

    select * from {{ ref('int_load_quantities') }}

),

legacy_sites as (

    select
        site_id,
        max(stock_date) as stock_date
    from {{ ref('stg_rollout__legacy_stock') }}
    group by site_id

),

counted_sites as (

    select
        site_id,
        max(counted_date) as counted_date,
        max(case when serial_number is not null then 1 else 0 end) = 1 as is_counted_by_unit
    from counts
    group by site_id

),

summed as (

    select
        quantities.site_id,
        quantities.storage_location_id,
        quantities.article_id,
        quantities.stock_type_code,
        legacy_sites.stock_date,
        loaded_sites.go_live_date as load_date,
        counted_sites.counted_date,
        case when legacy_sites.site_id is not null then sum(quantities.legacy_quantity) end as legacy_quantity,
        sum(quantities.loaded_quantity) as loaded_quantity,
        case
            when sum(quantities.counted_units) > 0 then sum(quantities.counted_units)
            when count(quantities.counted_in_bulk) > 0 then sum(quantities.counted_in_bulk)
            -- Where every unit was scanned, no scan means none; of goods without serial numbers it means nothing.
            when counted_sites.is_counted_by_unit and sum(quantities.loaded_in_bulk) = 0 then 0
        end as counted_quantity,
        sum(quantities.units_off) as units_off
    from quantities
    left join {{ ref('int_sites_loaded') }} as loaded_sites on quantities.site_id = loaded_sites.site_id
    left join legacy_sites on quantities.site_id = legacy_sites.site_id
    left join counted_sites on quantities.site_id = counted_sites.site_id
    group by
        quantities.site_id, quantities.storage_location_id, quantities.article_id, quantities.stock_type_code,
        legacy_sites.site_id, legacy_sites.stock_date, loaded_sites.go_live_date,
        counted_sites.counted_date, counted_sites.is_counted_by_unit

),

compared as (

    select
        *,
        loaded_quantity - legacy_quantity as difference_to_legacy,
        loaded_quantity - counted_quantity as difference_to_count
    from summed
    where load_date is not null

),

judged as (

    select
        *,
        case
            when difference_to_legacy <> 0 and difference_to_count <> 0 then 'differs_from_both'
            when difference_to_legacy <> 0 then 'differs_from_legacy'
            when difference_to_count <> 0 then 'differs_from_count'
            when units_off > 0 then 'units_differ'
            when legacy_quantity is null or (counted_quantity is null and counted_date is null) then 'not_checked'
            else 'reconciled'
        end as verdict_code
    from compared

)

select
    site_id,
    storage_location_id,
    article_id,
    stock_type_code,
    stock_date,
    load_date,
    counted_date,
    cast(legacy_quantity as decimal(15, 3)) as legacy_quantity,
    cast(loaded_quantity as decimal(15, 3)) as loaded_quantity,
    cast(counted_quantity as decimal(15, 3)) as counted_quantity,
    cast(difference_to_legacy as decimal(15, 3)) as difference_to_legacy,
    cast(difference_to_count as decimal(15, 3)) as difference_to_count,
    cast(units_off as integer) as units_off,
    case verdict_code when 'reconciled' then true when 'not_checked' then null else false end as is_reconciled,
    verdict_code,
    concat(
        'Loaded ', cast(cast(loaded_quantity as bigint) as varchar),
        case
            when legacy_quantity is null then '; the legacy stock was not delivered'
            else concat('; legacy had ', cast(cast(legacy_quantity as bigint) as varchar))
        end,
        case
            when counted_quantity is null then '; nobody counted it'
            else concat('; counted ', cast(cast(counted_quantity as bigint) as varchar))
        end,
        case when units_off > 0 then concat('; ', cast(cast(units_off as integer) as varchar), ' units are wrong') else '' end,
        '.'
    ) as verdict
from judged
