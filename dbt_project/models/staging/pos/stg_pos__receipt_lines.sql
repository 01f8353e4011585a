-- One row per receipt line.
with receipts as (

    select * from {{ source('pos', 'receipts') }}

),

renamed as (

    select
        sndprn
        || '-'
        || coalesce(kassid, '')
        || '-'
        || replace(cast(vorgdatum as varchar), '-', '')
        || '-'
        || bonnummer as receipt_id,
        lpad(cast(posnr as varchar), 4, '0') as receipt_line,
        bonnummer as receipt_number,
        {{ blank_to_null('refbonnr') }} as original_receipt_number,
        trim(sndprn) as site_id,
        {{ without_leading_zeros('artnr') }} as article_id,
        {{ without_leading_zeros('seriennr') }} as serial_number,
        {{ without_leading_zeros('kundnr') }} as customer_id,
        {{ blank_to_null('aktionsnr') }} as campaign_id,
        {{ blank_to_null('return_reason') }} as return_reason_code,
        {{ blank_to_null('condition_code') }} as condition_code,
        {{ blank_to_null('belegwaers') }} as currency_code,
        qualartnr as article_qualifier,
        menge as quantity,
        kondvalue as amount,
        vorzeichen = '+' as is_return,
        vorgdatum as sold_date,
        coalesce({{ moment('vorgdatum', 'vorgzeit') }}, cast(vorgdatum as timestamp)) as sold_at,
        {{ moment('credat', 'cretim') }} as record_created_at,
        _file as file,
        _line as line,
        _ingested_at as ingested_at
    from receipts

)

select * from renamed
