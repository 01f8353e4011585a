-- Ledger, ERP and last count say the same of every unit; where they do not, serial_reconciliation tells why and what to do.
{{ config(severity='warn', meta={'dagster': {'ref': {'name': 'serial_reconciliation'}}}) }}

select
    article_id,
    serial_number,
    cause_code
from {{ ref('serial_reconciliation') }}
