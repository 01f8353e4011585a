-- One row per counted line of a physical inventory document.
with lines as (

    {{ document_rows(source('sap', 'iseg'), ['iblnr', 'gjahr', 'zeili'], [
        'matnr', 'werks', 'lgort', 'bstar', 'xzael', 'xdiff', 'buchm', 'menge',
    ]) }}

),

headers as (

    {{ document_rows(source('sap', 'ikpf'), ['iblnr', 'gjahr'], ['werks', 'lgort', 'zldat', 'budat']) }}

)

select
    {{ material_document('lines.iblnr', 'lines.gjahr') }} as count_document_id,
    lines.zeili as count_document_line,
    upper(trim(coalesce(lines.werks, headers.werks))) as site_id,
    coalesce({{ blank_to_null('lines.lgort') }}, {{ blank_to_null('headers.lgort') }}) as storage_location_id,
    {{ without_leading_zeros('lines.matnr') }} as article_id,
    -- Types of physical inventory: 1 warehouse, 2 quality inspection, 3 returns, 4 blocked stock.
    case trim(lines.bstar) when '2' then '02' when '3' then '03' when '4' then '07' else '01' end as stock_type_code,
    coalesce(headers.zldat, headers.budat) as counted_date,
    lines.buchm as book_quantity,
    lines.menge as counted_quantity,
    coalesce(upper(trim(lines.xdiff)) = 'X', false) as is_difference_posted
from lines
inner join headers on lines.iblnr = headers.iblnr and lines.gjahr = headers.gjahr
where
    upper(trim(lines.xzael)) = 'X'
    and coalesce(lines.change_mode, '') <> 'D'
    and coalesce(headers.change_mode, '') <> 'D'
