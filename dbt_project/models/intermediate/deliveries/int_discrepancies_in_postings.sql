-- One row per unit whose receipt was scanned and never posted, or whose delivery was received and never issued.
with clocks as (

    select * from {{ ref('int_delivery_clocks') }}

),

-- Announced, received, and never issued.
not_issued as (

    select
        receipts.*,
        clocks.origin_id,
        clocks.carrier_id
    from {{ ref('int_unit_receipts') }} as receipts
    inner join clocks on receipts.delivery_id = clocks.delivery_id
    inner join {{ ref('int_units_announced') }} as named
        on
            receipts.delivery_id = named.delivery_id
            and receipts.article_id = named.article_id
            and receipts.serial_number = named.serial_number
    where clocks.lane_kind = 'delivery' and clocks.departed_at is null

),

-- The newest receipt by site that the ERP knows: what was scanned before it, and is not known, was not posted.
posting_sites as (

    select
        site_id,
        max(received_at) as last_posted_at
    from {{ ref('int_unit_receipts') }}
    where is_posted
    group by site_id

),

not_posted as (

    select
        receipts.*,
        clocks.lane_kind,
        clocks.origin_id,
        clocks.departed_at,
        clocks.carrier_id
    from {{ ref('int_unit_receipts') }} as receipts
    inner join posting_sites on receipts.site_id = posting_sites.site_id
    left join clocks on receipts.delivery_id = clocks.delivery_id
    where not receipts.is_posted and posting_sites.last_posted_at > receipts.received_at

),

scanned_found as (

    select
        'receipt_not_posted' as kind_code,
        'scanned' as role_code,
        coalesce(lane_kind, 'transfer') as lane_kind,
        coalesce(origin_id, site_before) as origin_id,
        site_id as to_site_id,
        document_id,
        delivery_id,
        document_item as delivery_item,
        purchase_order_id,
        vendor_id,
        carrier_id,
        article_id,
        serial_number,
        batch_id,
        valuation_type,
        storage_location_id,
        departed_at,
        {{ days_after('received_at', var('posting_grace_days')) }} as opened_at
    from not_posted
    union all
    select
        'no_goods_issue' as kind_code,
        'surplus' as role_code,
        'delivery' as lane_kind,
        origin_id,
        site_id as to_site_id,
        delivery_id as document_id,
        delivery_id,
        cast(null as varchar) as delivery_item,
        purchase_order_id,
        vendor_id,
        carrier_id,
        article_id,
        serial_number,
        batch_id,
        valuation_type,
        storage_location_id,
        cast(null as timestamp) as departed_at,
        received_at as opened_at
    from not_issued

)

select
    *,
    cast(null as timestamp) as resolved_at,
    cast(null as varchar) as resolved_document_id,
    cast(null as varchar) as resolved_movement_type,
    cast(null as varchar) as resolved_site_id
from scanned_found
