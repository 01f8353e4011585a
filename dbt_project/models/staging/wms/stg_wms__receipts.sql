-- One row per received unit.
with receipts as (

    select * from {{ source('wms', 'receipts') }}

),

renamed as (

    select
        receipt_number as document_id,
        lpad(cast(receipt_line as varchar), 6, '0') as document_item,
        {{ without_leading_zeros('article') }} as article_id,
        {{ without_leading_zeros('serial_number') }} as serial_number,
        trim(site) as site_id,
        {{ blank_to_null('storage_location') }} as storage_location_id,
        {{ without_leading_zeros('vendor') }} as vendor_id,
        {{ without_leading_zeros('delivery_number') }} as delivery_id,
        {{ without_leading_zeros('purchase_order') }} as purchase_order_id,
        {{ blank_to_null('handling_unit') }} as handling_unit_id,
        quantity,
        received_at,
        _file as file,
        _line as line,
        _ingested_at as ingested_at
    from receipts

)

select * from renamed
