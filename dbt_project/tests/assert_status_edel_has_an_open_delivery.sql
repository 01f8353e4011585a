-- An equipment with the status EDEL is on a delivery whose goods issue is still to come.
{{ config(severity='warn', meta={'dagster': {'ref': {'name': 'stg_sap__statuses'}}}) }}

with active as (

    select distinct
        equipments.equipment_id,
        texts.status_code
    from {{ ref('stg_sap__statuses') }} as statuses
    inner join {{ ref('stg_sap__status_texts') }} as texts on statuses.status_id = texts.status_id
    inner join {{ ref('stg_sap__equipments') }} as equipments on statuses.object_id = equipments.object_id
    where statuses.is_active

),

-- Nobody can tell where headers of deliveries, or their serial numbers, are not extracted.
comparable as (

    select 1 as one
    where
        exists (select 1 from {{ ref('stg_sap__serial_delivery_headers') }})
        and exists (select 1 from {{ ref('stg_sap__delivery_headers') }})

),

open_deliveries as (

    select list_lines.equipment_id
    from {{ ref('stg_sap__object_list_lines') }} as list_lines
    inner join {{ ref('stg_sap__serial_delivery_headers') }} as headers on list_lines.object_list_id = headers.object_list_id
    inner join {{ ref('stg_sap__delivery_headers') }} as deliveries on headers.delivery_id = deliveries.delivery_id
    where
        deliveries.goods_issue_date is null
        and not list_lines.is_deleted
        and list_lines.equipment_id is not null

)

select active.equipment_id
from active
cross join comparable
where active.status_code = 'EDEL' and active.equipment_id not in (select open_deliveries.equipment_id from open_deliveries)
