-- One row per item of a material document and serial number, once, however often it was read.
with material_documents as (

    select * from {{ source('s4', 'material_documents') }}

),

numbered as (

    select
        *,
        row_number() over (
            partition by material_document_year, material_document, material_document_item, coalesce(serial_number, '')
            order by extracted_at asc, _ingested_at asc, _file asc, _line asc
        ) as copy_number
    from material_documents

),

renamed as (

    select
        material_document || '/' || material_document_year as material_document_id,
        lpad(material_document_item, 4, '0') as document_item,
        coalesce({{ blank_to_null('reference_document') }}, material_document || '/' || material_document_year) as document_id,
        {{ without_leading_zeros('material') }} as article_id,
        {{ without_leading_zeros('serial_number') }} as serial_number,
        trim(plant) as site_id,
        {{ blank_to_null('storage_location') }} as storage_location_id,
        goods_movement_type as movement_type,
        {{ blank_to_null('inventory_stock_type') }} as stock_type_code,
        {{ blank_to_null('inventory_special_stock_type') }} as special_stock_code,
        {{ blank_to_null('batch') }} as batch_id,
        {{ blank_to_null('inventory_valuation_type') }} as valuation_type,
        {{ without_leading_zeros('supplier') }} as vendor_id,
        {{ without_leading_zeros('customer') }} as customer_id,
        {{ without_leading_zeros('sales_order') }} as sales_order_id,
        {{ without_leading_zeros('purchase_order') }} as purchase_order_id,
        {{ without_leading_zeros('delivery') }} as delivery_id,
        {{ without_leading_zeros('issuing_or_receiving_material') }} as to_article_id,
        {{ blank_to_null('issuing_or_receiving_plant') }} as to_site_id,
        {{ blank_to_null('issuing_or_receiving_storage_location') }} as to_storage_location_id,
        coalesce(is_automatically_created = 'X', false) as is_automatic,
        quantity_in_entry_unit as item_quantity,
        {{ blank_to_null('entry_unit') }} as unit_of_measure,
        {{ blank_to_null('reversed_material_document') }} || '/' || reversed_material_document_year as reverses_document_id,
        {{ blank_to_null('reversed_material_document_item') }} as reverses_document_item,
        posting_date as movement_date,
        case when creation_date = posting_date then {{ moment('creation_date', 'creation_time') }} end as moved_at,
        {{ moment('creation_date', 'creation_time') }} as record_created_at,
        _file as file,
        _line as line,
        _ingested_at as ingested_at
    from numbered
    where copy_number = 1

)

select * from renamed
