-- One row per unit: its card.
{{ config(materialized='view') }}

with states as (

    select * from {{ ref('int_serial_states') }}

),

articles as (

    select * from {{ ref('articles') }}

),

equipments as (

    select * from {{ ref('int_equipments_by_unit') }}

),

stock_types as (

    select * from {{ ref('stock_types') }}

),

trusted as (

    select * from {{ ref('int_article_sites_trusted') }}

)

select
    states.article_id,
    articles.article_name,
    states.serial_number,
    coalesce(equipments.equipment_category_code, 'S') as category_code,
    states.status_code,
    states.unit_state,
    states.status_conflict,
    states.conflict_count > 0 as has_conflict,
    cast(states.conflict_count as integer) as conflict_count,
    states.last_movement_date as valid_from_date,
    date '9999-12-31' as valid_to_date,
    equipments.equipment_id,
    states.stock_type_code,
    stock_types.stock_type_name,
    states.site_id,
    states.storage_location_id,
    case when states.site_id is not null then coalesce(trusted.trust_level, 'unknown') end as trust_level,
    states.batch_id,
    states.valuation_type,
    equipments.master_batch_id,
    states.special_stock_code,
    states.customer_id,
    states.sales_order_id,
    states.vendor_id,
    equipments.warranty_end_date,
    states.first_movement_date,
    states.last_movement_date,
    states.last_moved_at,
    states.last_movement_type,
    states.last_document_id,
    states.last_witness_names,
    cast(states.movement_count as integer) as movement_count,
    cast(states.sale_count as integer) as sale_count,
    cast(states.return_count as integer) as return_count,
    cast(states.repair_count as integer) as repair_count,
    states.previous_article_id,
    states.next_article_id,
    states.ingested_at
from states
left join articles on states.article_id = articles.article_id
left join equipments on states.article_id = equipments.article_id and states.serial_number = equipments.serial_number
left join stock_types on states.stock_type_code = stock_types.stock_type_code
left join trusted on states.article_id = trusted.article_id and states.site_id = trusted.site_id
