-- One row per receipt line of any till or shop system.
with sales as (

    select * from {{ source('tabular', 'sales') }}

),

renamed as (

    select
        receipt_id,
        -- A feed without line numbers is told apart by its own lines.
        coalesce({{ blank_to_null('receipt_line') }}, _load_id || '/' || lpad(cast(_line as varchar), 12, '0')) as receipt_line,
        trim(site_id) as site_id,
        {{ without_leading_zeros('article_id') }} as article_id,
        article_name,
        {{ without_leading_zeros('serial_number') }} as serial_number,
        {{ without_leading_zeros('customer_id') }} as customer_id,
        {{ blank_to_null('campaign_id') }} as campaign_id,
        {{ blank_to_null('reason_code') }} as return_reason_code,
        {{ blank_to_null('currency') }} as currency_code,
        line_kind,
        quantity,
        cast(quantity * unit_price as decimal(18, 2)) as amount,
        cast(sold_at as date) as sold_date,
        sold_at,
        _file as file,
        _line as line,
        _ingested_at as ingested_at
    from sales

)

select * from renamed
