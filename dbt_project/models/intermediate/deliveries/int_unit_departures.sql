-- One row per unit and document that set it on its way, with what happened to it next; none where that took it back.
-- depends_on: {{ ref('int_units_changed') }}
{{ config(materialized='incremental', incremental_strategy='replace_units', on_schema_change='fail', meta={'in_buckets': true}) }}

with movements as (

    {{ movements_of_units() }}

),

-- A reversed receipt (102, 306) puts the unit back on the way that it was on.
marked as (

    select
        *,
        case when unit_state = 'in_transit' and not is_reversal then sequence_number end as departure_number
    from movements

),

followed as (

    select
        *,
        last_value(departure_number ignore nulls) over up_to_here as way_number,
        lead(document_id) over unit as next_document_id,
        lead(movement_type) over unit as next_movement_type,
        lead(unit_state) over unit as next_unit_state,
        lead(coalesce(to_site_id, from_site_id)) over unit as next_site_id,
        lead(moved_at) over unit as next_moved_at,
        lead(is_reversal) over unit as is_next_reversal
    from marked
    window
        unit as (partition by article_id, serial_number order by sequence_number),
        up_to_here as (
            partition by article_id, serial_number
            order by sequence_number rows between unbounded preceding and current row
        )

),

-- Of a way that was taken up again, what happened last is its end.
last_legs as (

    select
        *,
        row_number() over (partition by article_id, serial_number, way_number order by sequence_number desc) as leg_age
    from followed
    where unit_state = 'in_transit' and way_number is not null

)

select
    departures.article_id,
    departures.serial_number,
    departures.sequence_number,
    departures.document_id,
    departures.document_item,
    departures.delivery_id,
    departures.purchase_order_id,
    departures.movement_type,
    departures.from_site_id,
    departures.from_storage_location_id,
    departures.to_site_id,
    departures.batch_id,
    departures.valuation_type,
    departures.moved_at as departed_at,
    last_legs.next_document_id,
    last_legs.next_movement_type,
    last_legs.next_unit_state,
    last_legs.next_site_id,
    last_legs.next_moved_at,
    departures.unit_ingested_at as ingested_at
from last_legs
inner join marked as departures
    on
        last_legs.article_id = departures.article_id
        and last_legs.serial_number = departures.serial_number
        and last_legs.way_number = departures.sequence_number
where last_legs.leg_age = 1 and not coalesce(last_legs.is_next_reversal, false)
