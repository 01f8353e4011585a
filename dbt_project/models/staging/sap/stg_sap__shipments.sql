-- One row per shipment and delivery in it, of the shipment's newest IDoc.
with shipments as (

    select * from {{ source('sap', 'shipments') }}

),

ranked as (

    select
        *,
        {{ moment('credat', 'cretim') }} as record_created_at,
        dense_rank() over (
            partition by tknum
            order by {{ moment('credat', 'cretim') }} desc nulls last, _ingested_at desc, _load_id desc, idoc_ordinal desc
        ) as age
    from shipments

),

renamed as (

    select distinct
        {{ without_leading_zeros('tknum') }} as shipment_id,
        {{ without_leading_zeros('vbeln') }} as delivery_id,
        {{ without_leading_zeros('partner_sp') }} as carrier_id,
        {{ blank_to_null('shtyp') }} as shipment_type_code,
        {{ blank_to_null('vsart') }} as shipping_type_code,
        {{ blank_to_null('route') }} as route_id,
        {{ blank_to_null('signi') }} as container_id,
        {{ blank_to_null('exti1') }} as carrier_reference_id,
        {{ blank_to_null('sttrg') }} as transportation_status_code,
        loading_start_planned_at,
        loading_start_actual_at,
        loading_end_planned_at,
        loading_end_actual_at,
        transport_start_planned_at,
        transport_start_actual_at,
        transport_end_planned_at,
        transport_end_actual_at,
        record_created_at,
        _ingested_at as ingested_at
    from ranked
    where age = 1

)

select * from renamed
