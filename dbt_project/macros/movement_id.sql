{#- Name of a movement in every build: the unit, and what its witnesses share. -#}
{% macro movement_id() -%}
    md5(
        concat_ws('|', article_id, serial_number, document_id, witness_group || '/' || line_role, cast(occurrence as varchar))
    )
{%- endmacro %}
