-- One row per delivery and article: what was received under the delivery and stayed received, by unit where serials were
-- read, else in bulk.
with movements as (

    select * from {{ ref('serial_movements') }}
    where movement_type in ('101', '102', '103', '104', '107', '108')

),

-- A receipt counts unless the next thing that happens to it is its reversal, which need not name the delivery.
followed as (

    select
        *,
        lead(is_reversal) over (partition by article_id, serial_number order by sequence_number) as is_followed_by_reversal
    from movements

),

-- A unit received twice under one delivery, as after a reversal, is one unit.
units as (

    select
        delivery_id,
        article_id,
        serial_number,
        max(to_site_id) as received_site_id,
        min(moved_at) as first_received_at,
        max(moved_at) as last_received_at
    from followed
    where delivery_id is not null and not is_reversal and not coalesce(is_followed_by_reversal, false)
    group by delivery_id, article_id, serial_number

),

announced as (

    select
        delivery_id,
        article_id,
        serial_number
    from {{ ref('int_delivery_lines') }}
    where serial_number is not null
    group by delivery_id, article_id, serial_number

),

serialised as (

    select
        units.delivery_id,
        units.article_id,
        count(*) as units_received,
        count(announced.serial_number) as announced_units_received,
        max(units.received_site_id) as received_site_id,
        min(units.first_received_at) as first_received_at,
        max(units.last_received_at) as last_received_at
    from units
    left join announced
        on
            units.delivery_id = announced.delivery_id
            and units.article_id = announced.article_id
            and units.serial_number = announced.serial_number
    group by units.delivery_id, units.article_id

),

bulk_records as (

    select
        *,
        row_number() over (
            partition by record_id order by record_created_at desc nulls last, ingested_at desc, file desc, line desc
        ) as version_age
    from {{ ref('stg_sap__goods_movements') }}
    where serial_number is null and delivery_id is not null and movement_type in ('101', '102')

),

bulk_signed as (

    select
        *,
        -- XSTOB marks the reversal of the line's own movement type.
        case when (movement_type = '102') <> is_marked_reversal then -item_quantity else item_quantity end as received_quantity,
        coalesce(moved_at, cast(movement_date as timestamp)) as received_at
    from bulk_records
    where version_age = 1

),

bulk as (

    select
        delivery_id,
        article_id,
        greatest(sum(received_quantity), 0) as units_received,
        max(site_id) as received_site_id,
        min(received_at) as first_received_at,
        max(received_at) as last_received_at
    from bulk_signed
    group by delivery_id, article_id

)

select
    coalesce(serialised.delivery_id, bulk.delivery_id) as delivery_id,
    coalesce(serialised.article_id, bulk.article_id) as article_id,
    coalesce(serialised.units_received, 0) + coalesce(bulk.units_received, 0) as units_received,
    coalesce(serialised.announced_units_received, 0) as announced_units_received,
    coalesce(bulk.units_received, 0) as bulk_units_received,
    coalesce(serialised.received_site_id, bulk.received_site_id) as received_site_id,
    least(serialised.first_received_at, bulk.first_received_at) as first_received_at,
    greatest(serialised.last_received_at, bulk.last_received_at) as last_received_at
from serialised
full outer join bulk on serialised.delivery_id = bulk.delivery_id and serialised.article_id = bulk.article_id
