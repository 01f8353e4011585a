-- One row per purchase order: its newest extract.
with newest as (

    {{ newest_extracts(source('sap', 'ekko'), [without_leading_zeros('ebeln')]) }}

),

renamed as (

    select
        {{ without_leading_zeros('ebeln') }} as purchase_order_id,
        {{ blank_to_null('waers') }} as currency_code,
        bedat as ordered_date
    from newest

)

select * from renamed
