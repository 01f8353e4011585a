-- One row per receipt line of a till, its article known by its own number whatever number the till gave.
{{ config(materialized='view') }}

with receipt_lines as (

    select * from {{ ref('stg_pos__receipt_lines') }}

),

gtins as (

    select * from {{ ref('stg_sap__article_gtins') }}

)

select
    receipt_lines.receipt_id,
    receipt_lines.receipt_line,
    receipt_lines.receipt_number,
    receipt_lines.original_receipt_number,
    receipt_lines.site_id,
    coalesce(gtins.article_id, receipt_lines.article_id) as article_id,
    -- A trade item number that no article has yet names no article; the line waits for its master data.
    coalesce(receipt_lines.article_qualifier, '') <> 'EAN1' or gtins.article_id is not null as is_article_known,
    receipt_lines.serial_number,
    receipt_lines.customer_id,
    receipt_lines.campaign_id,
    receipt_lines.return_reason_code,
    receipt_lines.condition_code,
    receipt_lines.currency_code,
    receipt_lines.quantity,
    receipt_lines.amount,
    receipt_lines.is_return,
    receipt_lines.sold_date,
    receipt_lines.sold_at,
    receipt_lines.record_created_at,
    receipt_lines.file,
    receipt_lines.line,
    greatest(receipt_lines.ingested_at, gtins.ingested_at) as ingested_at
from receipt_lines
left join gtins on receipt_lines.article_qualifier = 'EAN1' and receipt_lines.article_id = gtins.gtin_code
