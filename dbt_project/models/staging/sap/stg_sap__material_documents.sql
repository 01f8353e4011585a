-- One row per line of a material document of S/4HANA.
{%- set content = [
    'bwart', 'xauto', 'matnr', 'werks', 'lgort', 'charg', 'insmk', 'sobkz', 'lifnr', 'kunnr', 'kdauf', 'shkzg',
    'menge', 'ebeln', 'ummat', 'umwrk', 'umlgo', 'umcha', 'smbln', 'sjahr', 'smblp', 'vbeln_im', 'bwtar', 'lbbsa_sid',
    'record_type', 'xblnr', 'sgtxt', 'budat', 'cpudt', 'cputm',
] %}

with lines as (

    {{ document_rows(source('sap', 'matdoc'), ['mblnr', 'mjahr', 'zeile'], content) }}

),

renamed as (

    select
        {{ material_document('mblnr', 'mjahr') }} as material_document_id,
        zeile as material_document_line,
        {{ material_document('smbln', 'sjahr') }} as reversed_document_id,
        smblp as reversed_document_line,
        {{ without_leading_zeros('matnr') }} as article_id,
        {{ without_leading_zeros('ummat') }} as to_article_id,
        trim(werks) as site_id,
        {{ blank_to_null('lgort') }} as storage_location_id,
        {{ blank_to_null('umwrk') }} as to_site_id,
        {{ blank_to_null('umlgo') }} as to_storage_location_id,
        {{ without_leading_zeros('lifnr') }} as vendor_id,
        {{ without_leading_zeros('kunnr') }} as customer_id,
        {{ without_leading_zeros('kdauf') }} as sales_order_id,
        {{ without_leading_zeros('ebeln') }} as purchase_order_id,
        {{ without_leading_zeros('vbeln_im') }} as delivery_id,
        coalesce({{ blank_to_null('umcha') }}, {{ blank_to_null('charg') }}) as batch_id,
        {{ blank_to_null('bwtar') }} as valuation_type,
        trim(bwart) as movement_type,
        coalesce(
            case upper(insmk) when 'X' then '02' when '2' then '02' when 'S' then '07' when '3' then '07' end,
            -- The stock that the line identifies; unrestricted goes without saying, and so does stock under way.
            case when lbbsa_sid in ('02', '03', '07') then lbbsa_sid end
        ) as stock_type_code,
        {{ blank_to_null('sgtxt') }} as item_text,
        {{ blank_to_null('sobkz') }} as special_stock_code,
        upper(trim(shkzg)) as debit_credit_code,
        menge as quantity,
        coalesce(upper(trim(xauto)) = 'X', false) as is_made_by_system,
        {{ blank_to_null('xblnr') }} as reference_id,
        budat as posting_date,
        {{ moment('cpudt', "replace(cputm, ':', '')") }} as entered_at,
        coalesce(change_mode = 'D', false) as is_deleted,
        _file as file,
        _line as line,
        _ingested_at as ingested_at
    from lines
    where record_type is null or record_type = 'MDOC'

)

select * from renamed
