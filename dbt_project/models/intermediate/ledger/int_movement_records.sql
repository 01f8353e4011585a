-- One row per record of any source that moves a unit, in one shape; several records may witness one movement.
-- A row without a serial number moves nothing; it tells that a document has a newer version.
{{ config(materialized='incremental', incremental_strategy='append', on_schema_change='fail') }}

{%- set sources = [
    'int_records_from_goods_movements',
    'int_records_from_deliveries',
    'int_records_from_receipts',
    'int_records_from_store_movements',
    'int_records_from_warehouse_receipts',
    'int_records_from_scans',
    'int_records_from_tabular_movements',
    'int_records_from_tabular_sales',
    'int_records_from_tryton',
    'int_records_from_epcis',
    'int_records_from_handling_units',
    'int_records_from_material_documents',
    'int_records_from_s4',
] %}

with records as (

    {% for source in sources %}
    select {{ record_columns() | join(', ') }} from {{ ref(source) }}
    where is_unit_record and ingested_at > {{ watermark() }}
    {% if not loop.last %}union all{% endif %}
    {% endfor %}

),

movement_types as (

    select * from {{ ref('movement_types') }}

),

-- Records of one unit, document and group of movement types witness the same movement.
grouped as (

    select
        records.*,
        coalesce(movement_types.witness_group, records.movement_type) as witness_group
    from records
    left join movement_types
        on records.movement_type = movement_types.movement_type and records.line_role = movement_types.line_role

)

select
    *,
    -- Which units to look at is asked by a number: two that share it are only looked at together.
    {{ row_hash(['article_id', 'serial_number']) }} as unit_hash,
    {{ row_hash(['article_id', 'serial_number', 'document_id', 'witness_group', 'line_role']) }} as movement_hash,
    -- What a newer version of the document replaces: all records of the older one. NULL: the source adds, and never replaces.
    case when version_id is not null then {{ row_hash(['source_name', 'version_id']) }} end as version_hash
from grouped
