-- One row per item of a purchase order: its newest extract.
with newest as (

    {{ newest_extracts(source('sap', 'ekpo'), [without_leading_zeros('ebeln'), 'ebelp']) }}

),

renamed as (

    select
        {{ without_leading_zeros('ebeln') }} as purchase_order_id,
        {{ blank_to_null('ebelp') }} as purchase_order_item,
        {{ without_leading_zeros('matnr') }} as article_id,
        netpr as unit_price
    from newest

)

select * from renamed
