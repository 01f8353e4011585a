-- One row per count document, site, storage location and unit that was not found as the books said, with what was posted for it.
with differences as (

    select * from {{ ref('int_count_units_compared') }}
    where result_code <> 'matched'

),

postings as (

    select
        article_id,
        serial_number,
        case when movement_type in {{ count_gains() }} then to_site_id else from_site_id end as site_id,
        case when movement_type in {{ count_gains() }} then 'surplus' else 'missing' end as result_code,
        movement_type,
        document_id,
        movement_date
    from {{ ref('serial_movements') }}
    where movement_type in {{ count_gains() }} or movement_type in {{ count_losses() }}

),

posted as (

    select
        differences.source_name,
        differences.count_document_id,
        differences.site_id,
        differences.article_id,
        differences.serial_number,
        min_by(postings.movement_type, (postings.movement_date, postings.document_id)) as adjustment_movement_type,
        min_by(postings.document_id, (postings.movement_date, postings.document_id)) as adjustment_document_id
    from differences
    inner join postings
        on
            differences.article_id = postings.article_id
            and differences.serial_number = postings.serial_number
            and differences.site_id = postings.site_id
            and differences.result_code = postings.result_code
            and differences.counted_date <= postings.movement_date
            and postings.movement_date <= differences.counted_date + {{ var('count_posting_days') }}
    group by all

),

joined as (

    select
        differences.*,
        posted.adjustment_movement_type,
        posted.adjustment_document_id,
        posted.adjustment_movement_type is not null as is_adjusted
    from differences
    left join posted
        on
            differences.source_name = posted.source_name
            and differences.count_document_id = posted.count_document_id
            and differences.site_id = posted.site_id
            and differences.article_id = posted.article_id
            and differences.serial_number = posted.serial_number

)

select
    *,
    -- The same again, because nobody posted it the last time: nothing new was found.
    coalesce(
        lag(result_code) over place = result_code and not lag(is_adjusted) over place, false
    ) as is_repeated
from joined
window place as (
    partition by article_id, serial_number, site_id
    order by counted_date, counted_from_at, source_name, count_document_id, coalesce(storage_location_id, '')
)
