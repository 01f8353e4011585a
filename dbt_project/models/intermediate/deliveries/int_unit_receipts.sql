-- One row per unit and receipt or placement that stayed: under which document it arrived, and whether the ERP knows.
-- depends_on: {{ ref('int_units_changed') }}
{{ config(materialized='incremental', incremental_strategy='replace_units', on_schema_change='fail', meta={'in_buckets': true}) }}

{%- set erp_sources = ['sap', 'sap_tables', 's4', 'tryton', 'tabular'] %}

with movements as (

    {{ movements_of_units() }}

),

-- A receipt counts unless the next thing that happens to it is its reversal, which need not name the delivery.
followed as (

    select
        *,
        lead(is_reversal) over unit as is_followed_by_reversal,
        lag(unit_state) over unit as state_before,
        lag(to_site_id) over unit as site_before
    from movements
    window unit as (partition by article_id, serial_number order by sequence_number)

)

select
    article_id,
    serial_number,
    sequence_number,
    document_id,
    document_item,
    delivery_id,
    purchase_order_id,
    movement_type,
    to_site_id as site_id,
    to_storage_location_id as storage_location_id,
    state_before,
    site_before,
    batch_id,
    valuation_type,
    vendor_id,
    conflict_code,
    (
        {%- for source in erp_sources %}
        {{ list_holds("replace(witness_names, ',', ' ')", "'" ~ source ~ "'") }}
        {%- if not loop.last %} or{% endif %}
        {%- endfor %}
    ) as is_posted,
    moved_at as received_at,
    unit_ingested_at as ingested_at
from followed
where
    movement_type in ('101', '103', '107', '305', '315')
    and not is_reversal
    and not coalesce(is_followed_by_reversal, false)
