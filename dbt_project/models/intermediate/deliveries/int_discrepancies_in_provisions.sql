-- One row per unit that a repair vendor reports to have, and that nothing provided to the vendor (541).
with reports as (

    select
        repair_order_id,
        vendor_id,
        article_id,
        serial_number,
        min(received_date) as received_date,
        max(returned_date) as returned_date
    from {{ ref('stg_repair_vendor__repair_orders') }}
    where received_date is not null
    group by repair_order_id, vendor_id, article_id, serial_number

),

moves as (

    select * from {{ ref('serial_movements') }}

),

-- Few units are ever repaired; of each, the last movement before the vendor had it.
located as (

    select
        reports.repair_order_id,
        max_by(moves.to_site_id, moves.sequence_number) as site_id,
        max_by(moves.to_storage_location_id, moves.sequence_number) as storage_location_id,
        max_by(moves.unit_state, moves.sequence_number) as unit_state,
        max_by(moves.batch_id, moves.sequence_number) as batch_id,
        max_by(moves.valuation_type, moves.sequence_number) as valuation_type
    from reports
    inner join moves
        on
            reports.article_id = moves.article_id
            and reports.serial_number = moves.serial_number
            and reports.received_date >= moves.movement_date
    group by reports.repair_order_id

)

select
    'provision_missing' as kind_code,
    'provided' as role_code,
    'repair' as lane_kind,
    located.site_id as origin_id,
    located.site_id as to_site_id,
    reports.repair_order_id as document_id,
    cast(null as varchar) as delivery_id,
    cast(null as varchar) as delivery_item,
    cast(null as varchar) as purchase_order_id,
    reports.vendor_id,
    cast(null as varchar) as carrier_id,
    reports.article_id,
    reports.serial_number,
    located.batch_id,
    located.valuation_type,
    located.storage_location_id,
    cast(reports.received_date as timestamp) as departed_at,
    {{ days_after('cast(reports.received_date as timestamp)', var('posting_grace_days')) }} as opened_at,
    cast(reports.returned_date as timestamp) as resolved_at,
    case when reports.returned_date is not null then reports.repair_order_id end as resolved_document_id,
    cast(null as varchar) as resolved_movement_type,
    cast(null as varchar) as resolved_site_id
from reports
inner join located on reports.repair_order_id = located.repair_order_id
where located.unit_state = 'in_stock'
