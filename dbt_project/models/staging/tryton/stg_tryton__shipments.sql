-- One row per shipment of any kind: its newest extract.
with shipments as (

    select
        *,
        row_number() over (partition by id order by extracted_at desc, _ingested_at desc, _line desc) as age
    from {{ source('tryton', 'shipments') }}

),

renamed as (

    select
        id as shipment_key,
        model as shipment_kind,
        {{ blank_to_null('number') }} as shipment_number,
        case model
            when 'stock.shipment.in' then 'IN-'
            when 'stock.shipment.in.return' then 'IN-RETURN-'
            when 'stock.shipment.out' then 'OUT-'
            when 'stock.shipment.out.return' then 'OUT-RETURN-'
            when 'stock.shipment.internal' then 'INTERNAL-'
        end || coalesce({{ blank_to_null('number') }}, split_part(id, ',', 2)) as document_id,
        state as shipment_state,
        case
            when model in ('stock.shipment.in', 'stock.shipment.in.return') then {{ without_leading_zeros('party_code') }}
        end as vendor_id,
        case
            when model in ('stock.shipment.out', 'stock.shipment.out.return') then {{ without_leading_zeros('party_code') }}
        end as customer_id,
        {{ blank_to_null('supplier_name') }} as vendor_name,
        to_location as to_location_id,
        effective_date as shipped_date,
        coalesce(write_date, create_date) as changed_at
    from shipments
    where age = 1 and not is_deleted

)

select * from renamed
