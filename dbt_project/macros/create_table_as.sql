{#-
    A table with an enforced contract, made in one go: the adapter's own way fills an empty table row group by row group,
    which took half as long again (2 million rows of 15 columns: 5.3 s against 3.8 s).
    Names and types are asserted as by the adapter; NOT NULL is set, and so checked, on the finished table.
    A model with the meta `in_buckets` is filled by one bucket of units after the other (see buckets.sql).
-#}
{% macro duckdb__create_table_as(temporary, relation, compiled_code, language='sql', partitioned_by=none, sorted_by=none) -%}
    {%- set contract = config.get('contract') -%}
    {%- set is_in_buckets = not temporary and config.get('meta', {}).get('in_buckets') -%}
    {%- set buckets = bucket_count() if is_in_buckets else 1 -%}
    {%- if contract.enforced and not temporary -%}
        {{ get_assert_columns_equivalent(compiled_code) }}
        {%- set compiled_code = get_select_subquery(compiled_code) -%}
    {%- elif buckets > 1 -%}
        {#- Within one text, DuckDB takes a window named by two statements for one that is defined twice, unless in a subquery. -#}
        {%- set compiled_code = 'select * from (' ~ compiled_code ~ '\n)' -%}
    {%- endif -%}
    {%- for bucket in range(buckets) -%}
        {%- if is_in_buckets %}{{ open_bucket(bucket, buckets) }}{% endif -%}
        {%- if loop.first -%}
        create {% if temporary %}temporary {% endif %}table
            {{ relation.include(database=(not temporary), schema=(not temporary)) }} as (
            {{ compiled_code }}
        );
        {%- else -%}
        insert into {{ relation }} ({{ compiled_code }}
        );
        {%- endif -%}
    {%- endfor -%}
    {%- if is_in_buckets %}{{ close_buckets() }}{% endif -%}
    {%- if not temporary and config.get('incremental_strategy') == 'replace_units' %}
        {{ note_units_taken_in() }};
    {%- endif -%}
    {%- if contract.enforced and not temporary -%}
        {%- for column in model.columns.values() if column.constraints | selectattr('type', 'equalto', 'not_null') | list %}
        alter table {{ relation }} alter column {{ column.name }} set not null;
        {%- endfor %}
    {%- endif -%}
{%- endmacro %}
