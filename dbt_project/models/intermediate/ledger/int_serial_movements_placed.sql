-- One row per unit and document line with where it went from and to, and what it did to the unit.
-- depends_on: {{ ref('movement_types') }}
{{ config(materialized='view') }}

{{ movements_placed(ref('int_serial_movements_merged')) }}
