-- One row per move and snapshot that saw it changed: whether it was done is a matter of when one looked.
with moves as (

    select * from {{ source('tryton', 'moves') }}

),

renamed as (

    select
        id as move_id,
        extracted_at,
        is_deleted,
        coalesce(state, '') as move_state,
        lot as lot_id,
        coalesce({{ without_leading_zeros('product_code') }}, 'TRYTON-' || cast(product as varchar)) as article_id,
        {{ without_leading_zeros('lot_number') }} as serial_number,
        internal_quantity as units,
        from_location as from_location_id,
        to_location as to_location_id,
        shipment as shipment_key,
        origin as origin_key,
        {{ blank_to_null('purchase_number') }} as purchase_order_id,
        {{ blank_to_null('sale_number') }} as sales_order_id,
        effective_date,
        write_local_date as changed_date,
        coalesce(write_date, create_date, extracted_at) as changed_at,
        _file as file,
        _line as line,
        _ingested_at as ingested_at
    from moves

)

select * from renamed
