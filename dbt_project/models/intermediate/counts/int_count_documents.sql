-- One row per count document, site and storage location: when it was counted, and whether it covered the whole place.
{{
    config(
        materialized='incremental',
        unique_key=['source_name', 'count_document_id'],
        incremental_strategy='delete+insert',
        on_schema_change='fail',
    )
}}
{%- set unchanged = 'earlier.is_full_count = scoped.is_full_count and earlier.started_at = scoped.started_at'
    ~ ' and earlier.ended_at = scoped.ended_at' %}
{%- set scope_changed_at = 'case when ' ~ unchanged ~ ' then earlier.scope_changed_at else known_until.ingested_at end'
    if is_incremental() else 'known_until.ingested_at' %}

with results as (

    select * from {{ ref('int_count_results') }}
    {%- if is_incremental() %}
    -- What the books say of a day, and with it the share of articles found, changes by facts of that day or before.
    where
        counted_date >= least(
            (select min(counted_date) from {{ ref('int_count_results') }} where ingested_at > {{ watermark() }}),
            (select min(earliest_date) from {{ ref('int_units_changed') }} where ingested_at > {{ watermark() }})
        )
    {%- endif %}

),

documents as (

    select
        source_name,
        count_document_id,
        site_id,
        storage_location_id,
        count(distinct article_id) filter (where not is_withdrawn) as articles_found,
        bool_or(is_listing_articles) as is_listing_articles,
        min(counted_date) as counted_date,
        min(counted_from_at) as started_at,
        max(counted_to_at) as ended_at
    from results
    group by source_name, count_document_id, site_id, storage_location_id

),

booked as (

    select
        documents.source_name,
        documents.count_document_id,
        documents.site_id,
        documents.storage_location_id,
        count(distinct stays.article_id) as articles_booked
    from documents
    inner join {{ ref('serial_stays') }} as stays
        on
            documents.site_id = stays.site_id
            and coalesce(documents.storage_location_id, stays.storage_location_id, '') = coalesce(stays.storage_location_id, '')
    where
        not documents.is_listing_articles
        and stays.unit_state = 'in_stock'
        and stays.valid_from_at <= documents.started_at
        and stays.valid_to_at >= documents.ended_at
    group by documents.source_name, documents.count_document_id, documents.site_id, documents.storage_location_id

),

scoped as (

    select
        documents.*,
        coalesce(booked.articles_booked, 0) as articles_booked,
        not documents.is_listing_articles
        and documents.articles_found
        >= {{ var('full_count_article_share') }} * coalesce(booked.articles_booked, 0) as is_full_count
    from documents
    left join booked
        on
            documents.source_name = booked.source_name
            and documents.count_document_id = booked.count_document_id
            and documents.site_id = booked.site_id
            and documents.storage_location_id is not distinct from booked.storage_location_id

),

known_until as (

    {{ counts_known_until() }}

)

select
    scoped.*,
    -- A document whose scope is as it was concerns nobody but the articles of new facts.
    {{ scope_changed_at }} as scope_changed_at,
    known_until.ingested_at
from scoped
cross join known_until
{%- if is_incremental() %}
left join {{ this }} as earlier
    on
        scoped.source_name = earlier.source_name
        and scoped.count_document_id = earlier.count_document_id
        and scoped.site_id = earlier.site_id
        and scoped.storage_location_id is not distinct from earlier.storage_location_id
{%- endif %}
