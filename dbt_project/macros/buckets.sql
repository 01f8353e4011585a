{#-
    Buckets: a table of all units' rows is made by one range of units (of their hash) after the other, so that what a window
    has to hold stays the same however long the history: 100 million movements in rows of 38 columns would need 60 GB.
    Models filter by `units_of_bucket()`; the range stands in two variables of the connection, and without them all units count.
-#}
{% macro units_of_bucket() %}{{ return(adapter.dispatch('units_of_bucket')()) }}{% endmacro %}

{% macro default__units_of_bucket() -%}
    (getvariable('first_unit_hash') is null or unit_hash between getvariable('first_unit_hash') and getvariable('last_unit_hash'))
{%- endmacro %}

{#- Spark cuts its own work into pieces. -#}
{% macro spark__units_of_bucket() %}true{% endmacro %}

{#- How many buckets the ledger needs now, with the memory that DuckDB may use; each reads the records' column of units once more. -#}
{% macro bucket_count() -%}
    {%- set needed = 'count(*) * ' ~ var('fold_bytes_per_record') -%}
    {%- set memory = "parse_formatted_bytes(current_setting('memory_limit'))" -%}
    {%- set found = run_query('select 1 + ' ~ needed ~ ' // ' ~ memory ~ ' from ' ~ built('int_movement_records')) -%}
    {{ return(found.columns[0].values()[0] | int) }}
{%- endmacro %}

{% macro open_bucket(bucket, buckets) -%}
    {%- set width = 18446744073709551616 // buckets %}
    {%- set last = 18446744073709551615 if bucket + 1 == buckets else width * (bucket + 1) - 1 %}
    set variable first_unit_hash = {{ width * bucket }}::ubigint;
    set variable last_unit_hash = {{ last }}::ubigint;
{% endmacro %}

{% macro close_buckets() -%}
    reset variable first_unit_hash;
    reset variable last_unit_hash;
{% endmacro %}
