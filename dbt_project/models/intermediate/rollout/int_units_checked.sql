-- One row per site and unit that its initial load or the count of its cut-over names.
with loaded as (

    select
        site_id,
        article_id,
        serial_number,
        sum(times_loaded) as times_loaded,
        max_by(storage_location_id, times_loaded) as storage_location_id,
        max_by(stock_type_code, times_loaded) as stock_type_code
    from {{ ref('int_units_loaded') }}
    group by site_id, article_id, serial_number
    having sum(times_loaded) > 0

),

counted as (

    select * from {{ ref('int_cut_over_counts') }}
    where serial_number is not null

),

unit_counts as (

    select
        site_id,
        max(counted_date) as counted_date
    from counted
    group by site_id

),

both_sides as (

    select
        coalesce(loaded.site_id, counted.site_id) as site_id,
        coalesce(loaded.article_id, counted.article_id) as article_id,
        coalesce(loaded.serial_number, counted.serial_number) as serial_number,
        coalesce(loaded.times_loaded, 0) as times_loaded,
        loaded.storage_location_id as loaded_storage_location_id,
        counted.storage_location_id as counted_storage_location_id,
        coalesce(loaded.stock_type_code, '01') as stock_type_code,
        counted.site_id is not null as is_found
    from loaded
    full outer join counted
        on
            loaded.site_id = counted.site_id
            and loaded.article_id = counted.article_id
            and loaded.serial_number = counted.serial_number

),

-- Other sites that loaded a unit. Who counted it has it: of several, the only one that did is right.
elsewhere as (

    select
        here.site_id,
        here.article_id,
        here.serial_number,
        {{ joined_text('other.site_id', 'other.site_id') }} as other_site_ids,
        max(case when other.is_found then 1 else 0 end) = 1 as is_found_elsewhere
    from both_sides as here
    inner join both_sides as other
        on
            here.article_id = other.article_id
            and here.serial_number = other.serial_number
            and here.site_id <> other.site_id
    where other.times_loaded > 0
    group by here.site_id, here.article_id, here.serial_number

)

select
    both_sides.site_id,
    both_sides.article_id,
    both_sides.serial_number,
    cast(both_sides.times_loaded as integer) as times_loaded,
    both_sides.loaded_storage_location_id,
    both_sides.counted_storage_location_id,
    both_sides.stock_type_code,
    case when unit_counts.site_id is not null then both_sides.is_found end as is_counted,
    unit_counts.counted_date,
    elsewhere.other_site_ids,
    case
        when both_sides.times_loaded > 1 then 'loaded_twice'
        when
            both_sides.times_loaded > 0
            and elsewhere.site_id is not null
            and not (both_sides.is_found and not elsewhere.is_found_elsewhere)
            then 'loaded_at_two_sites'
        when both_sides.times_loaded = 0 then 'counted_not_loaded'
        when unit_counts.site_id is not null and not both_sides.is_found then 'loaded_not_counted'
    end as deviation_code
from both_sides
left join unit_counts on both_sides.site_id = unit_counts.site_id
left join elsewhere
    on
        both_sides.site_id = elsewhere.site_id
        and both_sides.article_id = elsewhere.article_id
        and both_sides.serial_number = elsewhere.serial_number
