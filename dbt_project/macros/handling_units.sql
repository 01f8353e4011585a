{#- Contents of handling units of which something has come since this model: packing, another version of it, or its emptying. -#}
{% macro changed_contents() %}
{%- set events = ref('int_handling_unit_events') -%}
{%- set newest = watermark() %}
        select content_id from {{ events }}
        where
            content_id is not null
            and (
                ingested_at > {{ newest }}
                or (source_name = 'delivery' and document_id in (
                    select told.document_id from {{ events }} as told
                    where told.source_name = 'delivery' and told.ingested_at > {{ newest }}
                ))
                or handling_unit_id in (
                    select emptied.handling_unit_id from {{ events }} as emptied
                    where emptied.event_code = 'emptied' and emptied.ingested_at > {{ newest }}
                )
            )
{%- endmacro %}

{#-
    Incremental strategy `replace_contents`: the rows of all changed contents are deleted, then those of the model inserted, in one
    transaction.
-#}
{% macro get_incremental_replace_contents_sql(arg_dict) %}
    {%- set columns = get_quoted_csv(arg_dict['dest_columns'] | map(attribute='name')) -%}
    delete from {{ arg_dict['target_relation'] }}
    where content_id in (
{{ changed_contents() }}
    );
    insert into {{ arg_dict['target_relation'] }} ({{ columns }})
    select {{ columns }} from {{ arg_dict['temp_relation'] }}
{% endmacro %}
