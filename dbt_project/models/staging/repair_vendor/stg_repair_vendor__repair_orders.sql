-- One row per report of a repair order.
with repair_orders as (

    select * from {{ source('repair_vendor', 'repair_orders') }}

),

renamed as (

    select
        trim(repair_order) as repair_order_id,
        {{ without_leading_zeros('vendor') }} as vendor_id,
        {{ without_leading_zeros('article') }} as article_id,
        {{ without_leading_zeros('serial_number') }} as serial_number,
        lower({{ blank_to_null('component') }}) as component_name,
        lower({{ blank_to_null('outcome') }}) as outcome_code,
        received_on as received_date,
        returned_on as returned_date,
        _file as file,
        _line as line,
        _ingested_at as ingested_at
    from repair_orders

)

select * from renamed
