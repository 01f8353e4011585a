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
    Units of which the ledger has taken in anything since this model: a movement, or a document's newer version that no
    longer names them.
-#}
{% macro changed_units(model) %}
        select
            article_id,
            serial_number
        from {{ ref('int_serial_movements_merged') }}
        where ingested_at > (select coalesce(max(ingested_at), timestamp '1970-01-01 00:00:00') from {{ model }})
{%- endmacro %}

{#- All rows of `relation`; where the model exists already, those of changed units. -#}
{% macro rows_of_changed_units(relation) %}
    select * from {{ relation }}
    {%- if is_incremental() %}
    where (article_id, serial_number) in (
{{ changed_units(this) }}
    )
    {%- endif %}
    -- depends_on: {{ ref('int_serial_movements_merged') }}
{% endmacro %}

{#- Merge key of models that recompute whole units: the rows of a recomputed unit replace its old ones. -#}
{% macro unit_key() %}{{ return(['article_id', 'serial_number']) }}{% endmacro %}

{#-
    Incremental strategy `replace_units`: the rows of all changed units are deleted, then those of the model inserted, in one
    transaction. A unit that has no rows any more is gone, which delete+insert, knowing only the new rows, would miss.
-#}
{% macro get_incremental_replace_units_sql(arg_dict) %}
    {%- set columns = get_quoted_csv(arg_dict['dest_columns'] | map(attribute='name')) -%}
    delete from {{ arg_dict['target_relation'] }}
    where (article_id, serial_number) in (
{{ changed_units(arg_dict['target_relation']) }}
    );
    insert into {{ arg_dict['target_relation'] }} ({{ columns }})
    select {{ columns }} from {{ arg_dict['temp_relation'] }}
{% endmacro %}

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
