-- One row per serial number in a handling unit, as delivered.
with handling_unit_serials as (

    select * from {{ source('sap', 'handling_unit_serials') }}

),

renamed as (

    select
        {{ without_leading_zeros('exidv') }} as handling_unit_id,
        {{ without_leading_zeros('vbeln') }} as delivery_id,
        {{ without_leading_zeros('matnr') }} as article_id,
        {{ without_leading_zeros('sernr') }} as serial_number,
        _file as file,
        _line as line,
        _ingested_at as ingested_at
    from handling_unit_serials

)

select * from renamed
