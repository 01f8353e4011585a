-- One row per unit that was ever received: its supplier and its first receipt.
{{ config(materialized='incremental', incremental_strategy='replace_units', on_schema_change='fail', meta={'in_buckets': true}) }}

with movements as (

    {{ movements_of_units() }}

),

-- Receipts from outside and initial entries; a store's receipt of a transfer comes later, and says nothing of the origin.
receipts as (

    select * from movements
    where movement_type in ('101', '103', '105', '107', '109', '501', '503', '505', '561', '563', '565')

)

select
    article_id,
    serial_number,
    min_by(vendor_id, sequence_number) filter (where vendor_id is not null) as supplier_id,
    min_by(purchase_order_id, sequence_number) filter (where purchase_order_id is not null) as purchase_order_id,
    min_by(delivery_id, sequence_number) filter (where delivery_id is not null) as delivery_id,
    min_by(document_id, sequence_number) as received_document_id,
    min_by(movement_type, sequence_number) as received_movement_type,
    min_by(to_site_id, sequence_number) filter (where to_site_id is not null) as received_site_id,
    min(movement_date) as received_date,
    max(ingested_at) as ingested_at
from receipts
group by article_id, serial_number
