-- One row per unit that the last count which covered its place did not find as the books say, and that nothing has moved since.
with differences as (

    select * from {{ ref('int_count_differences') }}
    where not is_adjusted

),

states as (

    select
        article_id,
        serial_number,
        last_moved_at
    from {{ ref('int_serial_states') }}

),

-- Every count that a unit in doubt took part in, also those that found it as the books say.
taken as (

    select compared.*
    from {{ ref('int_count_units_compared') }} as compared
    where
        (compared.article_id, compared.serial_number) in (
            select
                differences.article_id,
                differences.serial_number
            from differences
        )

),

numbered as (

    select
        taken.*,
        row_number() over (
            partition by taken.article_id, taken.serial_number
            -- Of two counts of one moment, the one that found the unit knows more.
            order by
                taken.counted_to_at desc,
                taken.result_code = 'missing',
                taken.source_name asc,
                taken.count_document_id asc,
                taken.site_id asc
        ) as age
    from taken
    left join states on taken.article_id = states.article_id and taken.serial_number = states.serial_number
    where states.last_moved_at is null or states.last_moved_at <= taken.counted_to_at

),

-- Where a unit was found since it moved last; a thing is at one place.
found_at as (

    select
        article_id,
        serial_number,
        count(distinct site_id) as sites
    from numbered
    where result_code <> 'missing'
    group by article_id, serial_number

),

-- A later count of the place that did not find the unit again takes back that it was there.
covered as (

    select
        site_id,
        coalesce(storage_location_id, '') as storage_location_id,
        article_id,
        max(counted_date) as counted_date
    from {{ ref('int_count_lines_compared') }}
    where count_basis_code = 'serial'
    group by site_id, coalesce(storage_location_id, ''), article_id

),

covered_whole as (

    select
        site_id,
        coalesce(storage_location_id, '') as storage_location_id,
        max(counted_date) as counted_date
    from {{ ref('int_count_documents') }}
    where is_full_count
    group by site_id, coalesce(storage_location_id, '')

)

select
    numbered.article_id,
    numbered.serial_number,
    numbered.source_name,
    numbered.count_document_id,
    numbered.site_id,
    numbered.storage_location_id,
    numbered.result_code,
    numbered.book_unit_state,
    numbered.book_site_id,
    numbered.book_storage_location_id,
    coalesce(found_at.sites, 0) as found_sites,
    numbered.counted_to_at as counted_at
from numbered
-- What was posted for a difference ends it.
inner join differences
    on
        numbered.source_name = differences.source_name
        and numbered.count_document_id = differences.count_document_id
        and numbered.site_id = differences.site_id
        and numbered.storage_location_id is not distinct from differences.storage_location_id
        and numbered.article_id = differences.article_id
        and numbered.serial_number = differences.serial_number
left join found_at
    on numbered.article_id = found_at.article_id and numbered.serial_number = found_at.serial_number
left join covered
    on
        numbered.site_id = covered.site_id
        and coalesce(numbered.storage_location_id, '') = covered.storage_location_id
        and numbered.article_id = covered.article_id
left join covered_whole
    on
        numbered.site_id = covered_whole.site_id
        and coalesce(numbered.storage_location_id, '') = covered_whole.storage_location_id
where
    numbered.age = 1
    and (
        numbered.result_code = 'missing'
        or numbered.counted_date >= greatest(
            coalesce(covered.counted_date, numbered.counted_date), coalesce(covered_whole.counted_date, numbered.counted_date)
        )
    )
