{#-
    Newest moment of ingestion that this incremental model has taken in; the beginning of time where it is empty.
    Each model asks itself, so that a run killed between two models is made up by the next. Asked beforehand and written as a
    constant: only then are files and row groups skipped that hold nothing newer. A model that recomputes units has noted it
    (see `note_units_taken_in`): what few units have any row in, would else take in again what changed since its newest row.
-#}
{% macro watermark(column='ingested_at', relation=none) -%}
    {%- set newest = none -%}
    {%- if execute and is_incremental() -%}
        {%- if not relation and config.get('incremental_strategy') == 'replace_units' -%}
            {%- set newest = only_value('select max(ingested_at) from ' ~ units_taken_in() ~ " where model_name = '" ~ this.identifier ~ "'") -%}
        {%- endif -%}
        {#- The newest of a sorted table is found by its zone maps; max() reads it whole. -#}
        {%- set newest = newest or only_value(
            'select max(newest) from (select ' ~ column ~ ' as newest from ' ~ (relation or this) ~ ' order by newest desc nulls last limit 1)'
        ) -%}
    {%- endif -%}
    timestamp '{{ newest or '1970-01-01 00:00:00' }}'
{%- endmacro %}

{% macro only_value(question) %}{{ return(run_query(question).columns[0].values()[0]) }}{% endmacro %}

{#- Up to which moment of ingestion each model that recomputes units has taken them in: one row per model. -#}
{% macro units_taken_in() %}{{ return(built('units_taken_in')) }}{% endmacro %}

{#- Before a build: the table that models note in what they have taken in. -#}
{% macro prepare_units_taken_in() %}
    {%- if execute -%}
        {%- set relation = api.Relation.create(database=target.database, schema='intermediate', identifier='units_taken_in') -%}
        create schema if not exists {{ relation.without_identifier() }};
        create table if not exists {{ relation }} (model_name varchar not null, ingested_at timestamp not null)
    {%- endif -%}
{% endmacro %}

{#- Stands in the transaction that brings the rows, so that neither is there without the other. -#}
{% macro note_units_taken_in() %}
    delete from {{ units_taken_in() }} where model_name = '{{ this.identifier }}';
    insert into {{ units_taken_in() }} (model_name, ingested_at)
    select '{{ this.identifier }}' as model_name, max(ingested_at) as ingested_at from {{ built('int_units_changed') }}
    having max(ingested_at) is not null
{%- endmacro %}

{#-
    A table of the ledger that is there already when the model runs, by other models that the model depends on; where ref() would
    make a circle, or an input of every unit test.
-#}
{% macro built(name, schema='intermediate') %}
    {{- return(api.Relation.create(database=this.database, schema=schema, identifier=name)) -}}
{% endmacro %}

{#-
    Units of which the ledger has taken in anything since this model: a movement, or a document's newer version that no
    longer names them.
-#}
{% macro changed_units(columns='article_id, serial_number') %}
        select {{ columns }}
        from {{ built('int_units_changed') }}
        where ingested_at > {{ watermark(config.get('meta', {}).get('watermark', 'ingested_at')) }}
{%- endmacro %}

{#-
    The ledger's rows of this bucket of units, or of all; where the model exists already, those of changed units, which stand
    together at the table's end: no other part of it is read.
-#}
{% macro movements_of_units() %}
    select * from {{ ref('int_serial_movements_folded') }}
    {%- if is_incremental() %}
    where unit_ingested_at > {{ watermark() }}
    {%- else %}
    where {{ units_of_bucket() }}
    {%- endif %}
    -- depends_on: {{ ref('int_units_changed') }}
{% endmacro %}

{#- Merge key of models that recompute whole units: the rows of a recomputed unit replace its old ones. -#}
{% macro unit_key() %}{{ return(['article_id', 'serial_number']) }}{% endmacro %}

{#-
    Incremental strategy `replace_units`: the rows of all changed units are deleted, then those of the model inserted, in one
    transaction. A unit that has no rows any more is gone, which delete+insert, knowing only the new rows, would miss.
-#}
{% macro get_incremental_replace_units_sql(arg_dict) %}
    {%- set columns = get_quoted_csv(arg_dict['dest_columns'] | map(attribute='name')) %}
    {%- set names = arg_dict['dest_columns'] | map(attribute='name') | list -%}
    {%- set unit = 'unit_hash' if 'unit_hash' in names else 'article_id, serial_number' -%}
    delete from {{ arg_dict['target_relation'] }}
    where ({{ unit }}) in (
{{ changed_units(unit) }}
    );
    insert into {{ arg_dict['target_relation'] }} ({{ columns }})
    select {{ columns }} from {{ arg_dict['temp_relation'] }};
    {{ note_units_taken_in() }}
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
