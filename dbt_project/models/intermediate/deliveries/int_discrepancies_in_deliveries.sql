-- One row per unit of a delivery and what is wrong with it: missing, or received without being announced.
with missing as (

    select * from {{ ref('int_units_missing') }}

),

surplus as (

    select * from {{ ref('int_units_surplus') }}

),

paired as (

    select * from {{ ref('int_delivery_units_paired') }}

),

clocks as (

    select * from {{ ref('int_delivery_clocks') }}

),

missing_found as (

    select
        case
            when paired.kind_code is not null then paired.kind_code
            when missing.is_whole_missing then 'not_received'
            else 'short'
        end as kind_code,
        'missing' as role_code,
        missing.lane_kind,
        missing.origin_id,
        missing.to_site_id,
        missing.delivery_id as document_id,
        missing.delivery_id,
        missing.delivery_item,
        missing.purchase_order_id,
        missing.vendor_id,
        missing.carrier_id,
        missing.article_id,
        missing.serial_number,
        missing.batch_id,
        missing.batch_id as valuation_type,
        cast(null as varchar) as storage_location_id,
        missing.departed_at,
        -- What came instead shows it at once.
        coalesce(surplus.received_at, missing.overdue_at) as opened_at,
        missing.received_at as resolved_at,
        missing.receipt_document_id as resolved_document_id,
        missing.receipt_movement_type as resolved_movement_type,
        missing.receipt_site_id as resolved_site_id
    from missing
    left join paired
        on
            missing.delivery_id = paired.delivery_id
            and missing.article_id = paired.article_id
            and missing.serial_number = paired.serial_number
    left join surplus
        on
            paired.delivery_id = surplus.delivery_id
            and paired.surplus_article_id = surplus.article_id
            and paired.surplus_serial_number = surplus.serial_number

),

surplus_found as (

    select
        case
            when surplus.departed_at is null and clocks.delivery_id is null then 'issue_missing'
            when surplus.departed_at is null then 'no_goods_issue'
            else coalesce(paired.kind_code, 'over')
        end as kind_code,
        'surplus' as role_code,
        surplus.lane_kind,
        surplus.origin_id,
        surplus.site_id as to_site_id,
        coalesce(surplus.delivery_id, surplus.document_id) as document_id,
        surplus.delivery_id,
        cast(null as varchar) as delivery_item,
        surplus.purchase_order_id,
        surplus.vendor_id,
        clocks.carrier_id,
        surplus.article_id,
        surplus.serial_number,
        surplus.batch_id,
        surplus.valuation_type,
        surplus.storage_location_id,
        surplus.departed_at,
        surplus.received_at as opened_at,
        cast(null as timestamp) as resolved_at,
        cast(null as varchar) as resolved_document_id,
        cast(null as varchar) as resolved_movement_type,
        cast(null as varchar) as resolved_site_id
    from surplus
    left join clocks on surplus.delivery_id = clocks.delivery_id
    left join paired
        on
            surplus.delivery_id = paired.delivery_id
            and surplus.article_id = paired.surplus_article_id
            and surplus.serial_number = paired.surplus_serial_number

)

select * from missing_found
union all
select * from surplus_found
