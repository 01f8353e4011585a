-- One row per unit that the ERP has an equipment master for: where it keeps it in stock, its statuses, and as of which day.
{{ config(materialized='view') }}

with equipments as (

    select * from {{ ref('stg_sap__equipments') }}

),

stock as (

    select * from {{ ref('stg_sap__equipment_stock') }}

),

texts as (

    select distinct
        status_id,
        status_code
    from {{ ref('stg_sap__status_texts') }}

),

statuses as (

    select
        statuses.object_id,
        {{ joined_text('texts.status_code', 'texts.status_code') }} as status_codes,
        bool_or(texts.status_code = 'ESTO') as is_in_warehouse,
        bool_or(texts.status_code = 'ECUS') as is_at_customer,
        bool_or(texts.status_code = 'EDEL') as is_on_delivery
    from {{ ref('stg_sap__statuses') }} as statuses
    inner join texts on statuses.status_id = texts.status_id
    where statuses.is_active
    group by statuses.object_id

),

-- Nobody can tell which deliveries are open where their headers, or their serial numbers, are not extracted.
deliveries_known as (

    select count(*) > 0 as is_known
    from (
        select 1 as one
        where
            exists (select 1 from {{ ref('stg_sap__serial_delivery_headers') }})
            and exists (select 1 from {{ ref('stg_sap__delivery_headers') }})
    ) as comparable

),

on_open_deliveries as (

    select distinct list_lines.equipment_id
    from {{ ref('stg_sap__object_list_lines') }} as list_lines
    inner join {{ ref('stg_sap__serial_delivery_headers') }} as headers on list_lines.object_list_id = headers.object_list_id
    inner join {{ ref('stg_sap__delivery_headers') }} as deliveries on headers.delivery_id = deliveries.delivery_id
    where deliveries.goods_issue_date is null and not list_lines.is_deleted and list_lines.equipment_id is not null

),

newest_stock as (

    select max(extracted_date) as extracted_date from stock

)

select
    equipments.article_id,
    equipments.serial_number,
    max(equipments.equipment_id) as equipment_id,
    -- Of several masters in stock, the one with the highest number speaks.
    max_by(stock.site_id, equipments.equipment_id) filter (where stock.equipment_id is not null) as site_id,
    max_by(stock.storage_location_id, equipments.equipment_id) filter (where stock.equipment_id is not null)
        as storage_location_id,
    max_by(stock.stock_type_code, equipments.equipment_id) filter (where stock.equipment_id is not null) as stock_type_code,
    max_by(stock.special_stock_code, equipments.equipment_id) filter (where stock.equipment_id is not null) as special_stock_code,
    count(stock.equipment_id) > 0 as is_in_stock,
    count(distinct stock.site_id || '/' || coalesce(stock.storage_location_id, '')) as stock_places,
    max(statuses.status_codes) as status_codes,
    coalesce(bool_or(statuses.is_in_warehouse), false) as is_in_warehouse,
    coalesce(bool_or(statuses.is_at_customer), false) as is_at_customer,
    coalesce(bool_or(statuses.is_on_delivery and deliveries_known.is_known and open_deliveries.equipment_id is null), false)
        as is_stuck_on_delivery,
    -- That the ERP has no stock of a unit is told only by an extract that has both tables.
    case
        when count(stock.equipment_id) > 0 then max(stock.extracted_date)
        when max(equipments.extracted_date) = max(newest_stock.extracted_date) then max(equipments.extracted_date)
    end as extracted_date
from equipments
cross join deliveries_known
cross join newest_stock
left join stock on equipments.equipment_id = stock.equipment_id
left join statuses on equipments.object_id = statuses.object_id
left join on_open_deliveries as open_deliveries on equipments.equipment_id = open_deliveries.equipment_id
group by equipments.article_id, equipments.serial_number
