-- One row per unit and unbroken stay in one place and state.
{{ config(materialized='incremental', incremental_strategy='replace_units', on_schema_change='fail') }}

with movements as (

    {{ rows_of_changed_units(ref('serial_movements')) }}

),

placed as (

    select
        *,
        concat_ws(
            '|',
            unit_state,
            coalesce(to_site_id, ''),
            coalesce(to_storage_location_id, ''),
            coalesce(stock_type_code, ''),
            coalesce(special_stock_code, ''),
            coalesce(vendor_id, ''),
            coalesce(customer_id, '')
        ) as place
    from movements

),

compared as (

    select
        *,
        lag(place) over (partition by article_id, serial_number order by sequence_number) as place_before,
        max(ingested_at) over (partition by article_id, serial_number) as unit_ingested_at
    from placed

),

arrivals as (

    select * from compared
    where place_before is null or place_before <> place

)

select
    article_id,
    serial_number,
    cast(row_number() over unit as integer) as stay_number,
    unit_state,
    to_site_id as site_id,
    to_storage_location_id as storage_location_id,
    stock_type_code,
    special_stock_code,
    vendor_id,
    customer_id,
    movement_id as arrival_movement_id,
    lead(moved_at) over unit is null as is_current,
    moved_at as valid_from_at,
    coalesce(lead(moved_at) over unit, timestamp '9999-12-31 00:00:00') as valid_to_at,
    unit_ingested_at as ingested_at
from arrivals
window unit as (partition by article_id, serial_number order by sequence_number)
