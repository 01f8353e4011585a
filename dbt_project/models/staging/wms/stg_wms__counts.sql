-- One row per unit that a count of the warehouse management system found, as delivered.
with counts as (

    select * from {{ source('wms', 'counts') }}

),

renamed as (

    select
        count_document as count_document_id,
        trim(site) as site_id,
        {{ blank_to_null('storage_location') }} as storage_location_id,
        {{ without_leading_zeros('article') }} as article_id,
        {{ without_leading_zeros('serial_number') }} as serial_number,
        quantity,
        counted_at,
        _file as file,
        _line as line,
        _ingested_at as ingested_at
    from counts

)

select * from renamed
