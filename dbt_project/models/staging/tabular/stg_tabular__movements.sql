-- One row per unit and document line of any system.
with movements as (

    select * from {{ source('tabular', 'movements') }}

),

renamed as (

    select
        document_id,
        document_item,
        {{ without_leading_zeros('article_id') }} as article_id,
        article_name,
        {{ without_leading_zeros('serial_number') }} as serial_number,
        trim(site_id) as site_id,
        {{ blank_to_null('storage_location_id') }} as storage_location_id,
        {{ blank_to_null('to_site_id') }} as to_site_id,
        {{ blank_to_null('to_storage_location_id') }} as to_storage_location_id,
        {{ without_leading_zeros('vendor_id') }} as vendor_id,
        {{ without_leading_zeros('customer_id') }} as customer_id,
        {{ without_leading_zeros('purchase_order_id') }} as purchase_order_id,
        {{ without_leading_zeros('delivery_id') }} as delivery_id,
        {{ blank_to_null('valuation_type') }} as valuation_type,
        {{ blank_to_null('stock_type_code') }} as stock_type_code,
        movement_type,
        moved_on as movement_date,
        moved_at,
        _file as file,
        _line as line,
        _ingested_at as ingested_at
    from movements

)

select * from renamed
