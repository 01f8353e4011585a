-- One row per event of a partner that names documents of ours: the delivery and the order.
{{ config(materialized='view') }}

with units as (

    select * from {{ ref('stg_epcis__event_units') }}

),

named as (

    select distinct
        record_hash,
        business_transactions
    from units
    where business_transactions is not null

),

transactions as (

    select
        record_hash,
        {{ each_of(json_objects('business_transactions', ['type', 'id'])) }} as transaction
    from named

),

-- An event may name a delivery and an order; what follows the last colon is their number in the sender's system.
numbers as (

    select
        record_hash,
        transaction.type as transaction_type,
        regexp_extract(transaction.id, '([^:/]+)$', 1) as transaction_number
    from transactions

)

select
    record_hash,
    max(case when transaction_type = 'desadv' then {{ without_leading_zeros('transaction_number') }} end) as delivery_id,
    max(case when transaction_type = 'po' then {{ without_leading_zeros('transaction_number') }} end) as purchase_order_id
from numbers
group by record_hash
