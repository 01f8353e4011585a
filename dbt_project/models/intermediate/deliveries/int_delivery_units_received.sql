-- One row per delivery and article: what was received under the delivery, by unit where serials were read, else in bulk.
with movements as (

    select * from {{ ref('serial_movements') }}
    where delivery_id is not null and movement_type in ('101', '103', '107')

),

announced as (

    select
        delivery_id,
        article_id,
        serial_number
    from {{ ref('stg_sap__deliveries') }}
    where serial_number is not null
    group by delivery_id, article_id, serial_number

),

serialised as (

    select
        movements.delivery_id,
        movements.article_id,
        count(*) as units_received,
        count(announced.serial_number) as announced_units_received,
        max(movements.to_site_id) as received_site_id,
        min(movements.moved_at) as first_received_at,
        max(movements.moved_at) as last_received_at
    from movements
    left join announced
        on
            movements.delivery_id = announced.delivery_id
            and movements.article_id = announced.article_id
            and movements.serial_number = announced.serial_number
    group by movements.delivery_id, movements.article_id

),

bulk_records as (

    select
        *,
        row_number() over (partition by record_id order by record_created_at desc nulls last, file asc, line asc) as version_age
    from {{ ref('stg_sap__goods_movements') }}
    where serial_number is null and delivery_id is not null and movement_type = '101' and not is_marked_reversal

),

bulk as (

    select
        delivery_id,
        article_id,
        sum(item_quantity) as units_received,
        max(site_id) as received_site_id,
        min(coalesce(moved_at, cast(movement_date as timestamp))) as first_received_at,
        max(coalesce(moved_at, cast(movement_date as timestamp))) as last_received_at
    from bulk_records
    where version_age = 1
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
