-- One row per count document, site, storage location and article: what the books said, what was found, what was posted for it.
with lines as (

    select * from {{ ref('int_count_lines_compared') }}

),

adjusted as (

    select
        source_name,
        count_document_id,
        site_id,
        storage_location_id,
        article_id,
        count(*) filter (where is_adjusted) as adjusted_units,
        count(*) filter (where is_repeated) as repeated_units
    from {{ ref('int_count_differences') }}
    group by source_name, count_document_id, site_id, storage_location_id, article_id

),

documents as (

    select * from {{ ref('int_count_documents') }}

),

joined as (

    select
        lines.*,
        lines.matched_units + lines.missing_units as book_units,
        lines.matched_units + lines.surplus_units as counted_units,
        case
            when lines.count_basis_code = 'serial' then coalesce(adjusted.adjusted_units, 0)
            when lines.is_difference_posted then lines.missing_units + lines.surplus_units
            else 0
        end as adjusted_units,
        coalesce(adjusted.repeated_units, 0) as repeated_units,
        documents.started_at,
        documents.ended_at,
        article_values.unit_value
    from lines
    inner join documents
        on
            lines.source_name = documents.source_name
            and lines.count_document_id = documents.count_document_id
            and lines.site_id = documents.site_id
            and lines.storage_location_id is not distinct from documents.storage_location_id
    left join adjusted
        on
            lines.source_name = adjusted.source_name
            and lines.count_document_id = adjusted.count_document_id
            and lines.site_id = adjusted.site_id
            and lines.storage_location_id is not distinct from adjusted.storage_location_id
            and lines.article_id = adjusted.article_id
    left join {{ ref('int_article_values') }} as article_values on lines.article_id = article_values.article_id

)

select
    joined.source_name,
    joined.count_document_id,
    joined.site_id,
    coalesce(joined.storage_location_id, '') as storage_location_id,
    joined.article_id,
    articles.article_name,
    joined.count_basis_code,
    cast(joined.book_units as integer) as book_units,
    cast(joined.counted_units as integer) as counted_units,
    joined.matched_units,
    joined.missing_units,
    joined.surplus_units,
    cast(joined.repeated_units as integer) as repeated_units,
    cast(joined.adjusted_units as integer) as adjusted_units,
    joined.adjusted_units < joined.missing_units + joined.surplus_units as is_posting_open,
    cast(joined.book_units * joined.unit_value as decimal(18, 2)) as book_value,
    cast(joined.matched_units * joined.unit_value as decimal(18, 2)) as matched_value,
    cast(joined.missing_units * joined.unit_value as decimal(18, 2)) as missing_value,
    cast(joined.surplus_units * joined.unit_value as decimal(18, 2)) as surplus_value,
    joined.counted_date,
    joined.started_at,
    joined.ended_at
from joined
left join {{ ref('articles') }} as articles on joined.article_id = articles.article_id
