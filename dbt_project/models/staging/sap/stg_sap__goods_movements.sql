-- One row per IDoc item and serial number.
with goods_movements as (

    select * from {{ source('sap', 'goods_movements') }}

),

-- An IDoc without a number is known by its place in the delivered file; a second document in an IDoc, by its place in that.
documents_named as (

    select
        *,
        coalesce(docnum, _load_id || coalesce('-' || cast(idoc_ordinal as varchar), ''))
        || case when document_ordinal > 1 then '.' || cast(document_ordinal as varchar) else '' end as document_name
    from goods_movements

),

-- A line names what it takes back as a cancelled document; a marked one without it, as the document that it refers to.
cancellations_named as (

    select
        *,
        coalesce({{ blank_to_null('matdoc_tr_cancel') }}, case when xstob = 'X' then {{ blank_to_null('ref_doc') }} end)
            as cancelled_document,
        coalesce({{ blank_to_null('matyear_tr_cancel') }}, case when xstob = 'X' then {{ blank_to_null('ref_doc_yr') }} end)
            as cancelled_year,
        coalesce({{ blank_to_null('matitem_tr_cancel') }}, case when xstob = 'X' then {{ blank_to_null('ref_doc_it') }} end)
            as cancelled_item
    from documents_named

),

renamed as (

    select
        sndprn || '/' || docnum as idoc_id,
        coalesce(sndprn, '') || '/' || document_name || '/' || lpad(cast(matdoc_itm as varchar), 4, '0') as record_id,
        coalesce({{ blank_to_null('ref_doc_no') }}, coalesce(sndprn, 'IDOC') || '-' || document_name) as document_id,
        lpad(cast(matdoc_itm as varchar), 4, '0') as document_item,
        {{ without_leading_zeros('material') }} as article_id,
        {{ without_leading_zeros('move_mat') }} as to_article_id,
        {{ without_leading_zeros('serialno') }} as serial_number,
        trim(plant) as site_id,
        {{ blank_to_null('stge_loc') }} as storage_location_id,
        {{ blank_to_null('move_plant') }} as to_site_id,
        {{ blank_to_null('move_stloc') }} as to_storage_location_id,
        {{ without_leading_zeros('vendor') }} as vendor_id,
        {{ without_leading_zeros('customer') }} as customer_id,
        {{ without_leading_zeros('sales_ord') }} as sales_order_id,
        {{ without_leading_zeros('po_number') }} as purchase_order_id,
        {{ without_leading_zeros('deliv_numb_to_search') }} as delivery_id,
        coalesce({{ blank_to_null('move_batch') }}, {{ blank_to_null('batch') }}) as batch_id,
        coalesce({{ blank_to_null('move_val_type') }}, {{ blank_to_null('val_type') }}) as valuation_type,
        move_type as movement_type,
        case stck_type when 'X' then '02' when '2' then '02' when 'S' then '07' when '3' then '07' end as stock_type_code,
        {{ blank_to_null('spec_stock') }} as special_stock_code,
        {{ blank_to_null('sndprn') }} as sender_name,
        entry_qnt as item_quantity,
        {{ blank_to_null('entry_uom') }} as unit_of_measure,
        coalesce(xstob = 'X', false) as is_marked_reversal,
        -- Numbers of material documents begin anew each year.
        cancelled_document || coalesce('/' || nullif(cancelled_year, '0000'), '') as reverses_document_id,
        nullif(cancelled_item, '0000') as reverses_document_item,
        pstng_date as movement_date,
        case when credat = pstng_date then {{ moment('credat', 'cretim') }} end as moved_at,
        {{ moment('credat', 'cretim') }} as record_created_at,
        _file as file,
        _line as line,
        _ingested_at as ingested_at
    from cancellations_named

)

select * from renamed
