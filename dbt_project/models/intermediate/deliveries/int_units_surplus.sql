-- One row per unit received without being announced: under a delivery that does not name it, or by a transfer that nobody sent.
with receipts as (

    select * from {{ ref('int_unit_receipts') }}

),

named as (

    select * from {{ ref('int_units_announced') }}
    where serial_number is not null

),

-- What a delivery counts without naming it may be any unit.
unnamed as (

    select
        delivery_id,
        article_id,
        units_announced - serials_announced as units_unnamed
    from {{ ref('int_delivery_items_announced') }}
    where units_announced > serials_announced

),

clocks as (

    select * from {{ ref('int_delivery_clocks') }}

),

under_deliveries as (

    select
        receipts.*,
        clocks.lane_kind,
        clocks.origin_id,
        clocks.departed_at
    from receipts
    inner join clocks on receipts.delivery_id = clocks.delivery_id
    left join named
        on
            receipts.delivery_id = named.delivery_id
            and receipts.article_id = named.article_id
            and receipts.serial_number = named.serial_number
    left join unnamed on receipts.delivery_id = unnamed.delivery_id and receipts.article_id = unnamed.article_id
    where named.delivery_id is null and unnamed.units_unnamed is null

),

-- A placement of what was not removed, or a receipt of what another site still has in its books.
without_delivery as (

    select
        receipts.*,
        'transfer' as lane_kind,
        receipts.site_before as origin_id,
        cast(null as timestamp) as departed_at
    from receipts
    left join clocks on receipts.delivery_id = clocks.delivery_id
    where
        clocks.delivery_id is null
        and receipts.state_before = 'in_stock'
        and receipts.site_before <> receipts.site_id

)

select * from under_deliveries
union all
select * from without_delivery
