-- One row per count document, site, storage location and article: units of the books found, missing, and found beyond the books.
{{
    config(
        materialized='incremental',
        incremental_strategy='replace_from',
        on_schema_change='fail',
        meta={'day_column': 'counted_date'},
    )
}}

with changed_articles as (

    {{ articles_to_compare() }}

),

compared as (

    select compared.*
    from {{ ref('int_count_units_compared') }} as compared
    inner join changed_articles
        on compared.article_id = changed_articles.article_id and compared.counted_date >= changed_articles.from_day

),

-- Without serial numbers a count can only be held against the quantity in the books that it names.
quantities as (

    select
        results.*,
        coalesce(results.book_quantity, results.counted_quantity) as books
    from {{ ref('int_count_results') }} as results
    inner join changed_articles
        on results.article_id = changed_articles.article_id and results.counted_date >= changed_articles.from_day
    where not results.is_withdrawn and results.serial_number is null and results.counted_quantity is not null

),

lines as (

    select
        source_name,
        count_document_id,
        site_id,
        storage_location_id,
        article_id,
        'serial' as count_basis_code,
        count(*) filter (where result_code = 'matched') as matched_units,
        count(*) filter (where result_code = 'missing') as missing_units,
        count(*) filter (where result_code = 'surplus') as surplus_units,
        false as is_difference_posted,
        min(counted_date) as counted_date
    from compared
    group by source_name, count_document_id, site_id, storage_location_id, article_id
    union all
    select
        quantities.source_name,
        quantities.count_document_id,
        quantities.site_id,
        quantities.storage_location_id,
        quantities.article_id,
        'quantity' as count_basis_code,
        least(quantities.counted_quantity, quantities.books) as matched_units,
        greatest(quantities.books - quantities.counted_quantity, 0) as missing_units,
        greatest(quantities.counted_quantity - quantities.books, 0) as surplus_units,
        quantities.is_difference_posted,
        quantities.counted_date
    from quantities
    left join compared
        on
            quantities.source_name = compared.source_name
            and quantities.count_document_id = compared.count_document_id
            and quantities.site_id = compared.site_id
            and quantities.storage_location_id is not distinct from compared.storage_location_id
            and quantities.article_id = compared.article_id
    -- What was compared unit by unit is not compared once more in bulk.
    where compared.article_id is null
    {%- if is_incremental() %}
    union all
    -- Marks, not data: what the strategy replace_from deletes before it inserts.
    select
        '' as source_name,
        '' as count_document_id,
        '' as site_id,
        '' as storage_location_id,
        article_id,
        'mark' as count_basis_code,
        0 as matched_units,
        0 as missing_units,
        0 as surplus_units,
        false as is_difference_posted,
        from_day as counted_date
    from changed_articles
    {%- endif %}

),

known_until as (

    {{ counts_known_until() }}

)

select
    lines.source_name,
    lines.count_document_id,
    lines.site_id,
    lines.storage_location_id,
    lines.article_id,
    lines.count_basis_code,
    cast(lines.matched_units as integer) as matched_units,
    cast(lines.missing_units as integer) as missing_units,
    cast(lines.surplus_units as integer) as surplus_units,
    lines.is_difference_posted,
    lines.counted_date,
    case when lines.count_basis_code = 'mark' then -1 else 1 end as units,
    known_until.ingested_at
from lines
cross join known_until
