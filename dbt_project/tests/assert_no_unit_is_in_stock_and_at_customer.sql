-- No equipment has the statuses ESTO (in the warehouse) and ECUS (at the customer) at once.
{{ config(severity='warn', meta={'dagster': {'ref': {'name': 'stg_sap__statuses'}}}) }}

with active as (

    select distinct
        equipments.equipment_id,
        texts.status_code
    from {{ ref('stg_sap__statuses') }} as statuses
    inner join {{ ref('stg_sap__status_texts') }} as texts on statuses.status_id = texts.status_id
    inner join {{ ref('stg_sap__equipments') }} as equipments on statuses.object_id = equipments.object_id
    where statuses.is_active

)

select in_stock.equipment_id
from active as in_stock
inner join active as at_customer on in_stock.equipment_id = at_customer.equipment_id
where in_stock.status_code = 'ESTO' and at_customer.status_code = 'ECUS'
