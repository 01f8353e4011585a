-- One row per line of a material document of ECC.
{%- set content = [
    'bwart', 'xauto', 'matnr', 'werks', 'lgort', 'charg', 'insmk', 'sobkz', 'lifnr', 'kunnr', 'kdauf', 'shkzg',
    'menge', 'ebeln', 'ummat', 'umwrk', 'umlgo', 'umcha', 'smbln', 'sjahr', 'smblp', 'vbeln_im', 'bwtar', 'sgtxt',
    'xblnr_mkpf', 'budat_mkpf', 'cpudt_mkpf', 'cputm_mkpf',
] %}

with lines as (

    {{ document_rows(source('sap', 'mseg'), ['mblnr', 'mjahr', 'zeile'], content) }}

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
        case upper(insmk) when 'X' then '02' when '2' then '02' when 'S' then '07' when '3' then '07' end as stock_type_code,
        {{ blank_to_null('sgtxt') }} as item_text,
        {{ blank_to_null('sobkz') }} as special_stock_code,
        upper(trim(shkzg)) as debit_credit_code,
        menge as quantity,
        coalesce(upper(trim(xauto)) = 'X', false) as is_made_by_system,
        {{ blank_to_null('xblnr_mkpf') }} as reference_id,
        budat_mkpf as posting_date,
        {{ moment('cpudt_mkpf', "replace(cputm_mkpf, ':', '')") }} as entered_at,
        coalesce(change_mode = 'D', false) as is_deleted,
        _file as file,
        _line as line,
        _ingested_at as ingested_at
    from lines

)

select * from renamed
