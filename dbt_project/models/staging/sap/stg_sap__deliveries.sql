-- One row per delivery item and serial number.
with deliveries as (

    select * from {{ source('sap', 'deliveries') }}

),

renamed as (

    select
        {{ without_leading_zeros('vbeln') }} || '/' || coalesce(posnr, '') as record_id,
        {{ without_leading_zeros('vbeln') }} as delivery_id,
        {{ blank_to_null('posnr') }} as delivery_item,
        {{ blank_to_null('hipos') }} as superior_item,
        {{ without_leading_zeros('matnr') }} as article_id,
        {{ without_leading_zeros('sernr') }} as serial_number,
        coalesce({{ blank_to_null('werks') }}, {{ blank_to_null('vstel') }}) as from_site_id,
        {{ blank_to_null('lgort') }} as from_storage_location_id,
        {{ blank_to_null('partner_we') }} as ship_to_id,
        {{ without_leading_zeros('partner_lf') }} as vendor_id,
        {{ without_leading_zeros('partner_sp') }} as carrier_id,
        {{ without_leading_zeros('vgbel') }} as purchase_order_id,
        {{ blank_to_null('lifex') }} as external_delivery_id,
        {{ blank_to_null('traid') }} as tracking_number,
        {{ blank_to_null('charg') }} as batch_id,
        -- Where no delivery type is given: a vendor makes it inbound; a key of site length makes it a replenishment.
        case
            when lfart is not null and trim(lfart) <> '' then trim(lfart)
            when partner_lf is not null then 'EL'
            when length(trim(partner_we)) <= 4 then 'NL'
            else 'LF'
        end as delivery_type,
        {{ list_holds("coalesce(qualf, '')", "'DEL'") }} as is_deleted,
        lfimg as item_quantity,
        coalesce(lgmng, lfimg) as stock_quantity,
        -- Where the quantity in the base unit is not told, the one in the sales unit is converted.
        case when lgmng is null then {{ blank_to_null('vrkme') }} end as stock_unit_of_measure,
        goods_issue_planned_at,
        goods_issue_actual_at,
        delivery_planned_at,
        delivery_actual_at,
        {{ moment('credat', 'cretim') }} as record_created_at,
        _file as file,
        _line as line,
        _ingested_at as ingested_at
    from deliveries

)

select * from renamed
