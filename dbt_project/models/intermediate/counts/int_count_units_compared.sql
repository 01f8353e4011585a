-- One row per count document, site, storage location and unit that was found there, or that the books had there.
{{
    config(
        materialized='incremental',
        incremental_strategy='replace_from',
        on_schema_change='fail',
        meta={'day_column': 'counted_date'},
    )
}}
{%- set kept = [
    'source_name', 'count_document_id', 'site_id', 'storage_location_id', 'article_id', 'serial_number', 'book_unit_state',
    'book_site_id', 'book_storage_location_id', 'counted_date', 'counted_from_at', 'counted_to_at'] %}

with changed_articles as (

    {{ articles_to_compare() }}

),

documents as (

    select * from {{ ref('int_count_documents') }}
    where counted_date >= (select min(changed_articles.from_day) from changed_articles)

),

results as (

    select results.*
    from {{ ref('int_count_results') }} as results
    inner join changed_articles
        on results.article_id = changed_articles.article_id and results.counted_date >= changed_articles.from_day
    where not results.is_withdrawn

),

adjustments as (

    select movement_id
    from {{ ref('serial_movements') }}
    where movement_type in {{ count_gains() }} or movement_type in {{ count_losses() }}

),

-- What a count posts is its answer, not what the books said when it asked.
stays as (

    select
        stays.*,
        adjustments.movement_id is not null as is_begun_by_count,
        coalesce(lead(adjustments.movement_id) over unit is not null, false) as is_ended_by_count
    from {{ ref('serial_stays') }} as stays
    inner join changed_articles
        on stays.article_id = changed_articles.article_id and cast(stays.valid_to_at as date) >= changed_articles.from_day
    left join adjustments on stays.arrival_movement_id = adjustments.movement_id
    window unit as (partition by stays.article_id, stays.serial_number order by stays.stay_number)

),

-- Only a unit that lay there from the beginning of the count to its end can be missing.
booked as (

    select
        documents.source_name,
        documents.count_document_id,
        documents.site_id,
        documents.storage_location_id,
        stays.article_id,
        stays.serial_number,
        documents.is_full_count,
        stays.unit_state as book_unit_state,
        stays.site_id as book_site_id,
        stays.storage_location_id as book_storage_location_id,
        documents.counted_date,
        documents.started_at as counted_from_at,
        documents.ended_at as counted_to_at
    from documents
    inner join stays
        on
            documents.site_id = stays.site_id
            and coalesce(documents.storage_location_id, stays.storage_location_id, '') = coalesce(stays.storage_location_id, '')
    inner join changed_articles
        on stays.article_id = changed_articles.article_id and documents.counted_date >= changed_articles.from_day
    where
        stays.unit_state = 'in_stock'
        and stays.valid_from_at <= documents.started_at
        and (
            stays.valid_to_at >= documents.ended_at
            or (stays.is_ended_by_count and cast(stays.valid_to_at as date) = documents.counted_date)
        )

),

found as (

    {{ count_units_found('results', 'stays') }}

),

-- An article of which only a quantity was counted says nothing of single units.
lines as (

    select
        source_name,
        count_document_id,
        site_id,
        storage_location_id,
        article_id,
        bool_or(serial_number is not null or counted_quantity = 0) as is_counted_by_unit
    from results
    group by source_name, count_document_id, site_id, storage_location_id, article_id

),

missing as (

    select booked.*
    from booked
    left join lines
        on
            booked.source_name = lines.source_name
            and booked.count_document_id = lines.count_document_id
            and booked.site_id = lines.site_id
            and booked.storage_location_id is not distinct from lines.storage_location_id
            and booked.article_id = lines.article_id
    where
        coalesce(lines.is_counted_by_unit, booked.is_full_count)
        and (booked.source_name, booked.count_document_id, booked.site_id, booked.article_id, booked.serial_number) not in (
            select
                found.source_name,
                found.count_document_id,
                found.site_id,
                found.article_id,
                found.serial_number
            from found
        )

),

known_until as (

    {{ counts_known_until() }}

),

compared as (

    select
        {%- for name in kept %}
        {{ name }},
        {%- endfor %}
        case when is_booked_here then 'matched' else 'surplus' end as result_code,
        1 as units
    from found
    union all
    select
        {%- for name in kept %}
        {{ name }},
        {%- endfor %}
        'missing' as result_code,
        1 as units
    from missing
    {%- if is_incremental() %}
    union all
    -- Marks, not data: what the strategy replace_from deletes before it inserts.
    select
        {%- for name in kept %}
        {{ {'article_id': 'article_id', 'counted_date': 'from_day'}.get(name, 'null') }} as {{ name }},
        {%- endfor %}
        'mark' as result_code,
        -1 as units
    from changed_articles
    {%- endif %}

)

select
    compared.*,
    known_until.ingested_at
from compared
cross join known_until
