-- One row per delivery of the ERP's own table: its newest extract.
with newest as (

    {{ newest_extracts(source('sap', 'likp'), ['vbeln']) }}

),

renamed as (

    select
        {{ without_leading_zeros('vbeln') }} as delivery_id,
        wadat_ist as goods_issue_date
    from newest

)

select * from renamed
