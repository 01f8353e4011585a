-- One row per unit and unbroken stay in one place and state.
{{ config(materialized='incremental', incremental_strategy='replace_units', on_schema_change='fail', meta={'in_buckets': true}) }}

{%- set columns = [
    'to_site_id', 'to_storage_location_id', 'stock_type_code', 'special_stock_code', 'vendor_id', 'customer_id',
] -%}
{%- set place = ['unit_state'] -%}
{%- for column in columns %}{% do place.append("coalesce(" ~ column ~ ", '')") %}{% endfor -%}
{%- set text_of_place = "concat_ws('|', " ~ place | join(', ') ~ ")" %}

with movements as (

    {{ movements_of_units() }}

),

placed as (

    select
        article_id,
        serial_number,
        sequence_number,
        document_id,
        witness_group,
        line_role,
        occurrence,
        unit_state,
        to_site_id,
        to_storage_location_id,
        stock_type_code,
        special_stock_code,
        vendor_id,
        customer_id,
        moved_at,
        unit_ingested_at,
        {{ row_hash(place) }} as place_hash
    from movements

),

-- Each movement with the one after it. Movements of a unit are numbered without gaps: a join finds the next in half the time
-- that sorting all of them takes.
followed as (

    select
        placed.*,
        following.moved_at as next_moved_at,
        following.place_hash as next_place_hash
    from placed
    left join placed as following
        on
            placed.article_id = following.article_id
            and placed.serial_number = following.serial_number
            and placed.sequence_number + 1 = following.sequence_number

),

-- Few units have a movement that begins no stay: one that leaves them where they were, or that the state does not follow.
units_with_idle_movements as (

    select
        article_id,
        serial_number
    from followed
    where place_hash = next_place_hash
    union
    select
        article_id,
        serial_number
    from {{ ref('int_movements_outweighed') }}

),

compared as (

    select
        followed.article_id,
        followed.serial_number,
        followed.sequence_number,
        followed.moved_at,
        {{ text_of_place }} as place,
        lag({{ text_of_place }})
            over (partition by followed.article_id, followed.serial_number order by followed.sequence_number)
            as place_before
    from followed
    inner join units_with_idle_movements as idle
        on followed.article_id = idle.article_id and followed.serial_number = idle.serial_number
    left join {{ ref('int_movements_outweighed') }} as outweighed
        on
            followed.article_id = outweighed.article_id
            and followed.serial_number = outweighed.serial_number
            and followed.sequence_number = outweighed.sequence_number
    where outweighed.sequence_number is null

),

arrivals as (

    select
        *,
        row_number() over unit as stay_number,
        lead(moved_at) over unit as next_moved_at
    from compared
    where place_before is null or place_before <> place
    window unit as (partition by article_id, serial_number order by sequence_number)

),

-- All other units begin a stay with every movement.
stays as (

    select
        followed.*,
        coalesce(arrivals.stay_number, followed.sequence_number) as stay_number,
        case when idle.article_id is null then followed.next_moved_at else arrivals.next_moved_at end as left_at
    from followed
    left join units_with_idle_movements as idle
        on followed.article_id = idle.article_id and followed.serial_number = idle.serial_number
    left join arrivals
        on
            followed.article_id = arrivals.article_id
            and followed.serial_number = arrivals.serial_number
            and followed.sequence_number = arrivals.sequence_number
    where idle.article_id is null or arrivals.stay_number is not null

)

select
    article_id,
    serial_number,
    cast(stay_number as integer) as stay_number,
    unit_state,
    to_site_id as site_id,
    to_storage_location_id as storage_location_id,
    stock_type_code,
    special_stock_code,
    vendor_id,
    customer_id,
    {{ movement_id() }} as arrival_movement_id,
    left_at is null as is_current,
    moved_at as valid_from_at,
    coalesce(left_at, timestamp '9999-12-31 00:00:00') as valid_to_at,
    unit_ingested_at as ingested_at
from stays
