{#- Value of the record that speaks first (precedence 1), or what another record of the group knows. -#}
{% macro first_known(column) -%}
    coalesce(max({{ column }}) filter (where precedence = 1), max({{ column }})) as {{ column }}
{%- endmacro %}
