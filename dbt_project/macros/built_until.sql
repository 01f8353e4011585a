{#-
    Before a build, tells the database up to which moment of ingestion the build sees the lake. Files are taken in while a build goes
    on, and their rows reach table after table: a model that read before, and one that read after, would not fit together, and what
    one of them missed, its watermark would pass over for ever. Without SERIALAKE_BUILT_UNTIL all rows are seen.

    A function of the database, and no text in each source, so that the project need not be parsed anew for each night.
-#}
{% macro note_built_until() %}
    {%- if execute -%}
        create or replace macro built_until() as timestamp '{{ env_var('SERIALAKE_BUILT_UNTIL', '9999-12-31 00:00:00') }}'
    {%- endif -%}
{% endmacro %}
