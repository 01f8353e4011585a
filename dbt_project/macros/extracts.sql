{#-
    Rows of a table extract that still hold: of each key the newest, unless it was deleted, or is missing in a newer full load.
    Two files of one day and one run are told apart by their names. The marks (change_mode) are explained in
    pipelines/sources/SAP_TABLES.md, section "Full and delta loads".
-#}
{% macro newest_extracts(relation, keys) %}
    select * from (
        select
            *,
            row_number() over (
                partition by {{ keys | join(', ') }}
                order by coalesce(extract_date, cast(_ingested_at as date)) desc, _ingested_at desc, _file desc, _line desc
            ) as age
        from {{ relation }}
        where change_mode is null or change_mode <> 'X'
    ) as numbered
    where
        age = 1
        and (change_mode is null or change_mode <> 'D')
        and coalesce(extract_date, cast(_ingested_at as date)) >= coalesce(
            (select max(coalesce(extract_date, cast(_ingested_at as date))) from {{ relation }} where change_mode = 'F'),
            date '1970-01-01'
        )
{%- endmacro %}

{#-
    One row per key of a table whose rows are documents: what it says now, and since which delivery. A row that is delivered again
    as it was changes nothing, so that a full load costs the ledger nothing. That a document is missing in a full load says nothing:
    it was archived. A deleted row stays, with change_mode D.
-#}
{% macro document_rows(relation, keys, columns) %}
    select * from (
        select
            *,
            row_number() over (
                partition by {{ keys | join(', ') }}
                order by coalesce(extract_date, cast(_ingested_at as date)) desc, _ingested_at desc, _file desc, _line desc
            ) as age
        from (
            select
                *,
                lag(content) over (
                    partition by {{ keys | join(', ') }}
                    order by coalesce(extract_date, cast(_ingested_at as date)), _ingested_at, _file, _line
                ) as content_before
            from (
                select
                    *,
                    {{ row_hash(["case when change_mode = 'D' then 'D' end"] + columns) }} as content
                from {{ relation }}
                where change_mode is null or change_mode <> 'X'
            ) as hashed
        ) as compared
        where content_before is null or content_before <> content
    ) as numbered
    where age = 1
{%- endmacro %}

{#- Identity of a material document: its number and year; NULL where there is no number. -#}
{% macro material_document(number, year) -%}
    lpad({{ without_leading_zeros(number) }}, 10, '0') || '/' || cast({{ year }} as varchar)
{%- endmacro %}
