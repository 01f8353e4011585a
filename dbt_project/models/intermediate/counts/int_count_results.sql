-- One row per count document, site, storage location, article and serial number found; of what bears none, one per line.
{{
    config(
        materialized='incremental',
        unique_key=['source_name', 'count_document_id'],
        incremental_strategy='delete+insert',
        on_schema_change='fail',
    )
}}

with reported as (

    select
        source_name,
        count_document_id,
        site_id,
        storage_location_id,
        article_id,
        serial_number,
        counted_quantity,
        cast(null as decimal(15, 3)) as book_quantity,
        false as is_listing_articles,
        false as is_difference_posted,
        false as is_withdrawn,
        cast(counted_at as date) as counted_date,
        counted_at,
        ingested_at
    from {{ ref('int_counts_from_devices') }}
    union all
    select * from {{ ref('int_counts_from_erp') }}
    union all
    select * from {{ ref('int_counts_from_tryton') }}

),

-- What comes late to a count document belongs to it like the rest: whole documents are read again.
changed as (

    select * from reported
    {%- if is_incremental() %}
    where (source_name, count_document_id) in (
        select
            newer.source_name,
            newer.count_document_id
        from reported as newer
        where newer.ingested_at > {{ watermark() }}
    )
    {%- endif %}

),

-- Two devices may find the same unit: it was there when the first did.
units as (

    select
        source_name,
        count_document_id,
        site_id,
        storage_location_id,
        article_id,
        serial_number,
        cast(1 as decimal(15, 3)) as counted_quantity,
        cast(null as decimal(15, 3)) as book_quantity,
        bool_or(is_listing_articles) as is_listing_articles,
        bool_or(is_difference_posted) as is_difference_posted,
        bool_and(is_withdrawn) as is_withdrawn,
        min(counted_date) as counted_date,
        min(counted_at) as counted_at,
        max(ingested_at) as ingested_at
    from changed
    where serial_number is not null
    group by source_name, count_document_id, site_id, storage_location_id, article_id, serial_number

),

quantities as (

    select
        source_name,
        count_document_id,
        site_id,
        storage_location_id,
        article_id,
        cast(null as varchar) as serial_number,
        cast(sum(counted_quantity) as decimal(15, 3)) as counted_quantity,
        cast(sum(book_quantity) as decimal(15, 3)) as book_quantity,
        bool_or(is_listing_articles) as is_listing_articles,
        bool_and(is_difference_posted) as is_difference_posted,
        bool_and(is_withdrawn) as is_withdrawn,
        min(counted_date) as counted_date,
        min(counted_at) as counted_at,
        max(ingested_at) as ingested_at
    from changed
    where serial_number is null
    group by source_name, count_document_id, site_id, storage_location_id, article_id

)

select
    *,
    -- Where only the day is told, the unit was there at some time of it.
    coalesce(counted_at, cast(counted_date as timestamp)) as counted_from_at,
    coalesce(counted_at, cast(counted_date as timestamp) + interval 1 day) as counted_to_at
from units
union all
select
    *,
    coalesce(counted_at, cast(counted_date as timestamp)) as counted_from_at,
    coalesce(counted_at, cast(counted_date as timestamp) + interval 1 day) as counted_to_at
from quantities
