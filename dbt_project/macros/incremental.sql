{#-
    Newest moment of ingestion that this incremental model has taken in; the beginning of time where it is empty.
    Each model asks itself, so that a run killed between two models is made up by the next.
-#}
{% macro watermark() %}
    {%- if is_incremental() -%}
        (select coalesce(max(ingested_at), timestamp '1970-01-01 00:00:00') from {{ this }})
    {%- else -%}
        timestamp '1970-01-01 00:00:00'
    {%- endif -%}
{% endmacro %}

{#-
    All rows of `relation`; where the model exists already, those of units of which `changes` holds anything newer than it.
-#}
{% macro rows_of_changed_units(relation, changes=none) %}
    select * from {{ relation }}
    {%- if is_incremental() %}
    where (article_id, serial_number) in (
        select
            article_id,
            serial_number
        from {{ changes or relation }}
        where ingested_at > {{ watermark() }}
    )
    {%- endif %}
{% endmacro %}

{#- Merge key of models that recompute whole units: the rows of a recomputed unit replace its old ones. -#}
{% macro unit_key() %}{{ return(['article_id', 'serial_number']) }}{% endmacro %}

{#-
    Incremental strategy `replace_from`: rows with units = -1 are no data but say "from this day on, this article is new".
    Rows of the target from that day on are deleted, then the data rows are inserted, in one transaction.
-#}
{% macro get_incremental_replace_from_sql(arg_dict) %}
    {%- set columns = get_quoted_csv(arg_dict['dest_columns'] | map(attribute='name')) -%}
    delete from {{ arg_dict['target_relation'] }} as kept
    where exists (
        select 1
        from {{ arg_dict['temp_relation'] }} as renewed
        where renewed.units = -1 and renewed.article_id = kept.article_id and kept.stock_date >= renewed.stock_date
    );
    insert into {{ arg_dict['target_relation'] }} ({{ columns }})
    select {{ columns }} from {{ arg_dict['temp_relation'] }} where units <> -1
{% endmacro %}
