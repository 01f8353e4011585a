{#-
    One row per article whose counts must be compared anew, and from which day on: a fact changes what the books say on the day
    that it speaks of and later, a count changes its own day, and a document whose scope changed concerns all articles of its site.
-#}
{% macro articles_to_compare() %}
    {%- if is_incremental() %}
    select
        article_id,
        min(from_day) as from_day
    from (
        select
            article_id,
            earliest_date as from_day
        from {{ ref('int_units_changed') }}
        where ingested_at > {{ watermark() }}
        union all
        select
            article_id,
            counted_date as from_day
        from {{ ref('int_count_results') }}
        where ingested_at > {{ watermark() }}
        union all
        select
            stays.article_id,
            documents.counted_date as from_day
        from (
            select
                site_id,
                min(counted_date) as counted_date
            from {{ ref('int_count_documents') }}
            where scope_changed_at > {{ watermark() }}
            group by site_id
        ) as documents
        inner join {{ ref('serial_stays') }} as stays
            on documents.site_id = stays.site_id and cast(stays.valid_to_at as date) >= documents.counted_date
    ) as changed
    group by article_id
    {%- else %}
    select
        article_id,
        date '1970-01-01' as from_day
    from (
        select article_id from {{ ref('serial_stays') }}
        union
        select article_id from {{ ref('int_count_results') }}
    ) as known
    {%- endif %}
    -- depends_on: {{ ref('int_units_changed') }}, {{ ref('int_count_documents') }}
{% endmacro %}

{#- Newest moment at which the ledger or a count took in anything. -#}
{% macro counts_known_until() -%}
    select greatest(
        (select coalesce(max(ingested_at), timestamp '1970-01-01 00:00:00') from {{ ref('int_units_changed') }}),
        (select coalesce(max(ingested_at), timestamp '1970-01-01 00:00:00') from {{ ref('int_count_results') }})
    ) as ingested_at
{%- endmacro %}

{#- Movement types by which the differences of a count are posted. -#}
{% macro count_gains() %}('701', '703', '707', '712'){% endmacro %}

{% macro count_losses() %}('702', '704', '708', '711'){% endmacro %}
