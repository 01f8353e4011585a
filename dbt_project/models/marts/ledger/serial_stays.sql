-- One row per unit and unbroken stay in one place and state.
{{ config(materialized='incremental', incremental_strategy='replace_units', on_schema_change='fail', meta={'in_buckets': true}) }}

with movements as (

    {{ movements_of_units() }}

),

-- A movement that the state does not follow moves nothing.
placed as (

    select
        movements.*,
        concat_ws(
            '|',
            movements.unit_state,
            coalesce(movements.to_site_id, ''),
            coalesce(movements.to_storage_location_id, ''),
            coalesce(movements.stock_type_code, ''),
            coalesce(movements.special_stock_code, ''),
            coalesce(movements.vendor_id, ''),
            coalesce(movements.customer_id, '')
        ) as place
    from movements
    left join {{ ref('int_movements_outweighed') }} as outweighed
        on
            movements.article_id = outweighed.article_id
            and movements.serial_number = outweighed.serial_number
            and movements.sequence_number = outweighed.sequence_number
    where outweighed.sequence_number is null

),

compared as (

    select
        *,
        lag(place) over (partition by article_id, serial_number order by sequence_number) as place_before
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
    {{ movement_id() }} as arrival_movement_id,
    lead(moved_at) over unit is null as is_current,
    moved_at as valid_from_at,
    coalesce(lead(moved_at) over unit, timestamp '9999-12-31 00:00:00') as valid_to_at,
    unit_ingested_at as ingested_at
from arrivals
window unit as (partition by article_id, serial_number order by sequence_number)
