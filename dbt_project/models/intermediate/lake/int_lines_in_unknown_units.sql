-- One row per line without a serial number in a unit of measure that master data do not explain.
with records as (

    select * from {{ ref('int_bulk_records') }}
    where entered_unit not in ({{ pieces() }}) and entered_quantity <> 0

),

article_units as (

    select * from {{ ref('stg_sap__article_units') }}

)

select
    case records.source_name
        when 'sap' then 'sap/goods_movements'
        when 'delivery' then 'sap/deliveries'
        when 'pos' then 'pos/store_movements'
        when 's4' then 's4/material_documents'
        when 'epcis' then 'epcis/events'
    end as table_name,
    records.article_id,
    records.document_id,
    records.entered_unit,
    records.file,
    records.line,
    records.ingested_at
from records
left join article_units
    on records.article_id = article_units.article_id and records.entered_unit = article_units.unit_of_measure
where article_units.article_id is null
