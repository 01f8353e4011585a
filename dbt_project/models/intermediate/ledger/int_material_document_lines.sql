-- One row per line of a material document that table extracts hold, of ECC (MSEG with MKPF) or of S/4HANA (MATDOC).
{{ config(materialized='view') }}

{%- set of_line = [
    'material_document_id', 'material_document_line', 'reversed_document_id', 'reversed_document_line', 'article_id',
    'to_article_id', 'site_id', 'storage_location_id', 'to_site_id', 'to_storage_location_id', 'vendor_id', 'customer_id',
    'sales_order_id', 'purchase_order_id', 'delivery_id', 'batch_id', 'valuation_type', 'movement_type', 'stock_type_code',
    'special_stock_code', 'debit_credit_code', 'quantity', 'is_made_by_system', 'item_text',
] %}

with lines as (

    select * from {{ ref('stg_sap__material_document_lines') }}

),

headers as (

    select * from {{ ref('stg_sap__material_document_headers') }}

),

every as (

    -- Since its sixth enhancement package ECC repeats the header in the line, so that MKPF is a help and no need.
    select
        {%- for name in of_line %}
        lines.{{ name }},
        {%- endfor %}
        coalesce(headers.reference_id, lines.reference_id) as reference_id,
        coalesce(headers.posting_date, lines.posting_date) as posting_date,
        coalesce(headers.entered_at, lines.entered_at) as entered_at,
        lines.is_deleted or coalesce(headers.is_deleted, false) as is_deleted,
        case when headers.ingested_at > lines.ingested_at then headers.file else lines.file end as file,
        case when headers.ingested_at > lines.ingested_at then headers.line else lines.line end as line,
        greatest(lines.ingested_at, headers.ingested_at) as ingested_at
    from lines
    left join headers on lines.material_document_id = headers.material_document_id
    union all
    select
        {%- for name in of_line %}
        {{ name }},
        {%- endfor %}
        reference_id,
        posting_date,
        entered_at,
        is_deleted,
        file,
        line,
        ingested_at
    from {{ ref('stg_sap__material_documents') }}

),

-- A system on its way from ECC to S/4HANA delivers a line in both shapes.
numbered as (

    select
        *,
        row_number() over (
            partition by material_document_id, material_document_line order by ingested_at desc, file desc
        ) as age
    from every

)

select
    {%- for name in of_line %}
    {{ name }},
    {%- endfor %}
    reference_id,
    posting_date,
    entered_at,
    is_deleted,
    file,
    line,
    ingested_at
from numbered
where age = 1
