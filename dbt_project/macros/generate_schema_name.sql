{#- Schemas are named after the layer alone: marts.serials, not main_marts.serials. -#}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ custom_schema_name | trim if custom_schema_name else target.schema }}
{%- endmacro %}
