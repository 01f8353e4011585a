-- One row per counted unit, or quantity of an article without serial numbers, as delivered last.
with counts as (

    select * from {{ source('wms', 'counts') }}

),

renamed as (

    select
        trim(count_document) as count_document_id,
        trim(site) as site_id,
        {{ blank_to_null('storage_location') }} as storage_location_id,
        counted_at,
        {{ without_leading_zeros('article') }} as article_id,
        {{ without_leading_zeros('serial_number') }} as serial_number,
        quantity,
        row_number() over (
            partition by count_document, {{ without_leading_zeros('article') }}, {{ without_leading_zeros('serial_number') }}
            order by _ingested_at desc, _file desc, _line desc
        ) as age
    from counts

)

select
    count_document_id,
    site_id,
    storage_location_id,
    counted_at,
    article_id,
    serial_number,
    quantity
from renamed
where age = 1
