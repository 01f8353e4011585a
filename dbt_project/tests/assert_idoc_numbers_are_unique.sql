-- A sender gives the number of an IDoc to one document; the same IDoc may come again.
{{ config(severity='warn', meta={'dagster': {'ref': {'name': 'stg_sap__goods_movements'}}}) }}

select
    idoc_id,
    count(distinct document_id) as documents
from {{ ref('stg_sap__goods_movements') }}
where idoc_id is not null
group by idoc_id
having count(distinct document_id) > 1
