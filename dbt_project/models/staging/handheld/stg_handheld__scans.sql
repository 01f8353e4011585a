-- One row per scan.
with scans as (

    select * from {{ source('handheld', 'scans') }}

),

renamed as (

    select
        scan_id,
        {{ blank_to_null('device_id') }} as device_id,
        {{ without_leading_zeros('delivery_number') }} as delivery_id,
        coalesce({{ blank_to_null('document_id') }}, {{ without_leading_zeros('delivery_number') }}, scan_id) as document_id,
        {{ blank_to_null('count_document') }} as count_document_id,
        {{ without_leading_zeros('article') }} as article_id,
        {{ without_leading_zeros('serial_number') }} as serial_number,
        trim(site) as site_id,
        {{ blank_to_null('storage_location') }} as storage_location_id,
        {{ blank_to_null('to_site') }} as to_site_id,
        {{ blank_to_null('to_storage_location') }} as to_storage_location_id,
        {{ without_leading_zeros('vendor') }} as vendor_id,
        {{ blank_to_null('handling_unit') }} as handling_unit_id,
        lower(trim(action)) as action,
        {{ blank_to_null('condition_code') }} as condition_code,
        {{ blank_to_null('disposition_code') }} as disposition_code,
        scanned_at,
        _file as file,
        _line as line,
        _ingested_at as ingested_at
    from scans

)

select * from renamed
