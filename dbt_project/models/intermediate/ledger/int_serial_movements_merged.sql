-- One row per unit and document line: all records that witness the same movement are one movement.
-- A view: what the records of two units say is merged for each alone, so that the fold can take units in buckets.
-- depends_on: {{ ref('int_documents_replaced') }}
{{ config(materialized='view') }}

{{ movements_merged('(select * from ' ~ ref('int_movement_records') ~ ' where ' ~ units_of_bucket() ~ ')') }}
