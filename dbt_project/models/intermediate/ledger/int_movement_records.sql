-- One row per record of any source that moves a unit, in one shape; several records may witness one movement.
{{ config(materialized='incremental', incremental_strategy='append', on_schema_change='fail') }}

{%- set sources = [
    'int_records_from_goods_movements',
    'int_records_from_deliveries',
    'int_records_from_receipts',
    'int_records_from_warehouse_receipts',
    'int_records_from_scans',
    'int_records_from_tabular_movements',
    'int_records_from_tabular_sales',
    'int_records_from_tryton',
] %}

{% for source in sources %}
select * from {{ ref(source) }}
where ingested_at > {{ watermark() }}
{% if not loop.last %}union all{% endif %}
{% endfor %}
