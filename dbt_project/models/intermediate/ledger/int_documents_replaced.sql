-- One row per document that came in several versions: the file of the newest, and when it came.
{{ config(materialized='incremental', unique_key='version_hash', incremental_strategy='delete+insert', on_schema_change='fail') }}

{%- set records = ref('int_movement_records') %}
{%- if is_incremental() %}
{%- set newest = watermark(relation=built('int_units_changed')) %}
{%- set new_records = '(select version_hash from ' ~ records ~ ' where ingested_at > ' ~ newest ~ ')' %}
{%- endif %}

{{ newest_versions(records, among=new_records if is_incremental() else none) }}
