{#- Text without surrounding blanks; NULL where nothing is left. -#}
{% macro blank_to_null(text) %}nullif(trim({{ text }}), ''){% endmacro %}
