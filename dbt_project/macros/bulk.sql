{#-
    Documents of which something has come since this model: a record, a newer version, what a unit of measure holds, the goods
    issue of a transport order whose receipt was known before, or a sale that a till's totals had told of before.
-#}
{% macro changed_bulk_documents() %}
{%- set records = ref('int_bulk_records') -%}
{%- set newest = watermark() %}
        select document_hash from {{ records }}
        where
            ingested_at > {{ newest }}
            or version_hash in (select newer.version_hash from {{ records }} as newer where newer.ingested_at > {{ newest }})
        union
        select measured.document_hash
        from {{ records }} as measured
        inner join {{ ref('stg_sap__article_units') }} as units
            on measured.article_id = units.article_id and measured.entered_unit = units.unit_of_measure
        where units.ingested_at > {{ newest }}
        union
        select receipts.document_hash
        from {{ records }} as receipts
        inner join {{ records }} as issues
            on
                receipts.article_id = issues.article_id
                and (receipts.delivery_id = issues.delivery_id or receipts.purchase_order_id = issues.purchase_order_id)
        where issues.ingested_at > {{ newest }} and issues.witness_group = 'ship' and receipts.movement_type in ('101', '102')
        union
        select totals.document_hash
        from {{ records }} as totals
        inner join {{ sales_told() }} as sales
            on
                totals.article_id = sales.article_id
                and totals.site_id = sales.site_id
                and totals.movement_date = sales.movement_date
        where totals.source_name = 'pos_totals' and sales.ingested_at > {{ newest }}
{%- endmacro %}

{#- One row per sale or return that is told line by line, with units or without. -#}
{% macro sales_told() %}
        (
            select article_id, site_id, movement_date, ingested_at from {{ ref('int_bulk_records') }}
            where source_name <> 'pos_totals' and witness_group in ('sale', 'return')
            union all
            select article_id, site_id, movement_date, ingested_at from {{ ref('int_movement_records') }}
            where witness_group in ('sale', 'return')
        )
{%- endmacro %}

{#-
    Incremental strategy `replace_documents`: the rows of all changed documents are deleted, then those of the model inserted, in
    one transaction. A document that moves nothing any more is gone.
-#}
{% macro get_incremental_replace_documents_sql(arg_dict) %}
    {%- set columns = get_quoted_csv(arg_dict['dest_columns'] | map(attribute='name')) -%}
    delete from {{ arg_dict['target_relation'] }}
    where document_hash in (
{{ changed_bulk_documents() }}
    );
    insert into {{ arg_dict['target_relation'] }} ({{ columns }})
    select {{ columns }} from {{ arg_dict['temp_relation'] }}
{% endmacro %}

{#- Units of measure that stand for pieces, as SAP, EPCIS and people write them: they need no conversion. -#}
{% macro pieces() %}'EA', 'PC', 'PCE', 'ST', 'C62', 'H87'{% endmacro %}
