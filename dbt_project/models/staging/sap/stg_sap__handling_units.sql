-- One row per handling unit and what is packed in it: a delivery item, or another handling unit.
with handling_units as (

    select * from {{ source('sap', 'handling_units') }}

),

renamed as (

    select
        {{ without_leading_zeros('exidv') }} as handling_unit_id,
        {{ without_leading_zeros('inner_exidv') }} as inner_handling_unit_id,
        {{ without_leading_zeros('vbeln') }} as delivery_id,
        {{ blank_to_null('posnr') }} as delivery_item,
        {{ without_leading_zeros('matnr') }} as article_id,
        vemng as packed_quantity,
        _file as file,
        _line as line,
        _ingested_at as ingested_at
    from handling_units

)

select * from renamed
