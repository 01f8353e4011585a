-- One row per line and serial number of a goods movement that a store reported.
with store_movements as (

    select * from {{ source('pos', 'store_movements') }}

),

-- An IDoc without a number is known by its place in the delivered file.
documents_named as (

    select
        *,
        coalesce(docnum, _load_id || coalesce('-' || cast(idoc_ordinal as varchar), '')) as document_name
    from store_movements

),

renamed as (

    select
        sndprn || '/' || docnum as idoc_id,
        sndprn || '/' || document_name || '/' || bonnummer || '/' || lpad(cast(posnr as varchar), 4, '0') as record_id,
        -- The ERP keeps the slip's number as its reference, so what it says of the same movement is known by it.
        trim(bonnummer) as document_id,
        lpad(cast(posnr as varchar), 4, '0') as document_item,
        coalesce(qualartnr, '') as article_qualifier,
        {{ without_leading_zeros('artnr') }} as article_id,
        {{ without_leading_zeros('seriennr') }} as serial_number,
        trim(sndprn) as site_id,
        {{ blank_to_null('lgort') }} as storage_location_id,
        {{ blank_to_null('umwrk') }} as to_site_id,
        {{ blank_to_null('umlgo') }} as to_storage_location_id,
        {{ without_leading_zeros('lifnr') }} as vendor_id,
        {{ without_leading_zeros('ebeln') }} as purchase_order_id,
        bwart as movement_type,
        menge as quantity,
        {{ blank_to_null('meins') }} as unit_of_measure,
        coalesce(budat, belegdatum) as movement_date,
        {{ moment('credat', 'cretim') }} as record_created_at,
        _file as file,
        _line as line,
        _ingested_at as ingested_at
    from documents_named

)

select * from renamed
