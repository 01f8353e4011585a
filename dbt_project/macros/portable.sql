{#- What DuckDB and Spark write differently, behind one name each. -#}

{% macro moment(day, hhmmss) %}{{ return(adapter.dispatch('moment')(day, hhmmss)) }}{% endmacro %}

{#- Timestamp of a date and a text HHMMSS; NULL where either is missing. -#}
{% macro default__moment(day, hhmmss) %}
    {{ day }} + to_seconds(
        cast(substr({{ hhmmss }}, 1, 2) as bigint) * 3600
        + cast(substr({{ hhmmss }}, 3, 2) as bigint) * 60
        + cast(substr({{ hhmmss }}, 5, 2) as bigint)
    )
{% endmacro %}

{% macro spark__moment(day, hhmmss) %}
    to_timestamp(concat(date_format({{ day }}, 'yyyyMMdd'), {{ hhmmss }}), 'yyyyMMddHHmmss')
{% endmacro %}

{% macro without_leading_zeros(text) %}{{ return(adapter.dispatch('without_leading_zeros')(text)) }}{% endmacro %}

{#- SAP pads purely numeric keys with zeros (ALPHA conversion); tills and handhelds do not. Blank becomes NULL. -#}
{% macro default__without_leading_zeros(text) %}
    case
        when regexp_full_match(trim({{ text }}), '[0-9]+') then coalesce(nullif(ltrim(trim({{ text }}), '0'), ''), '0')
        else nullif(upper(trim({{ text }})), '')
    end
{% endmacro %}

{% macro spark__without_leading_zeros(text) %}
    case
        when trim({{ text }}) rlike '^[0-9]+$' then coalesce(nullif(trim(leading '0' from trim({{ text }})), ''), '0')
        else nullif(upper(trim({{ text }})), '')
    end
{% endmacro %}

{% macro day_series(first_day, last_day) %}{{ return(adapter.dispatch('day_series')(first_day, last_day)) }}{% endmacro %}

{#- List of the days from first to last, both included. -#}
{% macro default__day_series(first_day, last_day) %}
    generate_series(cast({{ first_day }} as timestamp), cast({{ last_day }} as timestamp), interval 1 day)
{% endmacro %}

{% macro spark__day_series(first_day, last_day) %}sequence({{ first_day }}, {{ last_day }}, interval 1 day){% endmacro %}

{% macro joined_text(expression, order_by) %}{{ return(adapter.dispatch('joined_text')(expression, order_by)) }}{% endmacro %}

{#- The distinct values of a group, comma-separated, in order. -#}
{% macro default__joined_text(expression, order_by) %}
    string_agg(distinct {{ expression }}, ',' order by {{ order_by }})
{% endmacro %}

{% macro spark__joined_text(expression, order_by) %}
    array_join(array_sort(collect_set({{ expression }})), ',')
{% endmacro %}

{% macro row_hash(columns) %}{{ return(adapter.dispatch('row_hash')(columns)) }}{% endmacro %}

{#- A number made from the columns: rows that differ in it differ, rows that share it may still differ. -#}
{% macro default__row_hash(columns) %}hash({{ columns | join(', ') }}){% endmacro %}

{% macro spark__row_hash(columns) %}xxhash64({{ columns | join(', ') }}){% endmacro %}

{% macro json_objects(text, fields) %}{{ return(adapter.dispatch('json_objects')(text, fields)) }}{% endmacro %}

{#- List of structs of texts out of a JSON list of objects. -#}
{% macro default__json_objects(text, fields) %}
    from_json({{ text }}, '[{ {%- for field in fields %}"{{ field }}": "VARCHAR"{{ ', ' if not loop.last }}{% endfor -%} }]')
{% endmacro %}

{% macro spark__json_objects(text, fields) %}
    from_json({{ text }}, 'array<struct<{% for field in fields %}{{ field }}: string{{ ', ' if not loop.last }}{% endfor %}>>')
{% endmacro %}

{% macro each_of(list) %}{{ return(adapter.dispatch('each_of')(list)) }}{% endmacro %}

{#- One row per element of a list. -#}
{% macro default__each_of(list) %}unnest({{ list }}){% endmacro %}

{% macro spark__each_of(list) %}explode({{ list }}){% endmacro %}

{% macro quantile(expression, fraction) %}{{ return(adapter.dispatch('quantile')(expression, fraction)) }}{% endmacro %}

{#- Quantile of a group, between two values where it falls between them. -#}
{% macro default__quantile(expression, fraction) %}quantile_cont({{ expression }}, {{ fraction }}){% endmacro %}

{% macro spark__quantile(expression, fraction) %}percentile({{ expression }}, {{ fraction }}){% endmacro %}

{% macro days_after(moment, days) %}{{ return(adapter.dispatch('days_after')(moment, days)) }}{% endmacro %}

{#- A moment so many days later, with fractions; NULL where either is missing. -#}
{% macro default__days_after(moment, days) %}{{ moment }} + to_seconds(cast(({{ days }}) * 86400 as bigint)){% endmacro %}

{% macro spark__days_after(moment, days) %}
    timestampadd(second, cast(({{ days }}) * 86400 as bigint), {{ moment }})
{% endmacro %}

{% macro days_between(start, finish) %}{{ return(adapter.dispatch('days_between')(start, finish)) }}{% endmacro %}

{#- Days from one moment to another, with fractions. -#}
{% macro default__days_between(start, finish) %}date_diff('second', {{ start }}, {{ finish }}) / 86400.0{% endmacro %}

{% macro spark__days_between(start, finish) %}timestampdiff(second, {{ start }}, {{ finish }}) / 86400.0{% endmacro %}

{% macro typing_distance(one, other) %}{{ return(adapter.dispatch('typing_distance')(one, other)) }}{% endmacro %}

{#- Characters inserted, left out, changed, or (DuckDB only) swapped with their neighbour between two texts. -#}
{% macro default__typing_distance(one, other) %}damerau_levenshtein({{ one }}, {{ other }}){% endmacro %}

{% macro spark__typing_distance(one, other) %}levenshtein({{ one }}, {{ other }}){% endmacro %}
