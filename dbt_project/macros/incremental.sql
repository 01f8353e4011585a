{#-
    Newest moment of ingestion that this incremental model has taken in; the beginning of time where it is empty.
    Each model asks itself, so that a run killed between two models is made up by the next. Asked beforehand and written as a
    constant: only then are files and row groups skipped that hold nothing newer.
-#}
{% macro watermark() -%}
    {%- set newest = none -%}
    {%- if execute and is_incremental() -%}
        {%- set newest = run_query('select max(ingested_at) from ' ~ this).columns[0].values()[0] -%}
    {%- endif -%}
    timestamp '{{ newest or '1970-01-01 00:00:00' }}'
{%- endmacro %}

{#-
    Units of which the ledger has taken in anything since this model: a movement, or a document's newer version that no
    longer names them.
-#}
{% macro changed_units() %}
        select
            article_id,
            serial_number
        from {{ ref('int_serial_movements_merged') }}
        where ingested_at > {{ watermark() }}
{%- endmacro %}

{#- All rows of `relation`; where the model exists already, those of changed units. -#}
{% macro rows_of_changed_units(relation) %}
    select * from {{ relation }}
    {%- if is_incremental() %}
    where (article_id, serial_number) in (
{{ changed_units() }}
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
{{ changed_units() }}
    );
    insert into {{ arg_dict['target_relation'] }} ({{ columns }})
    select {{ columns }} from {{ arg_dict['temp_relation'] }}
{% endmacro %}

{#-
    Incremental strategy `replace_from`: rows with units = -1 are no data but say "from this day on, this article is new".
    Rows of the target from that day on are deleted, then the data rows are inserted, in one transaction. `day_column` in the
    model's meta names the day, where it is not stock_date.
-#}
{% macro get_incremental_replace_from_sql(arg_dict) %}
    {%- set columns = get_quoted_csv(arg_dict['dest_columns'] | map(attribute='name')) -%}
    {%- set day = (config.get('meta') or {}).get('day_column', 'stock_date') -%}
    delete from {{ arg_dict['target_relation'] }} as kept
    where exists (
        select 1
        from {{ arg_dict['temp_relation'] }} as renewed
        where renewed.units = -1 and renewed.article_id = kept.article_id and kept.{{ day }} >= renewed.{{ day }}
    );
    insert into {{ arg_dict['target_relation'] }} ({{ columns }})
    select {{ columns }} from {{ arg_dict['temp_relation'] }} where units <> -1
{% endmacro %}
