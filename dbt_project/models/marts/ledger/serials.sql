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

),

movement_types as (

    select * from {{ ref('movement_types') }}
    where line_role = 'main'

),

warranties as (

    select
        article_id,
        serial_number,
        warranty_end_date
    from {{ ref('int_unit_sales_covered') }}
    where is_last_sale

),

packed as (

    select
        article_id,
        serial_number,
        max(handling_unit_id) as handling_unit_id
    from {{ ref('handling_unit_stays') }}
    where is_current and content_kind = 'unit'
    group by article_id, serial_number

),

built_in as (

    select
        component_article_id,
        component_serial_number,
        max_by(parent_article_id, installed_from_at) as parent_article_id,
        max_by(parent_serial_number, installed_from_at) as parent_serial_number
    from {{ ref('serial_components') }}
    where is_installed and component_article_id is not null and component_serial_number is not null
    group by component_article_id, component_serial_number

),

valuation_types as (

    select * from {{ ref('valuation_types') }}

),

article_values as (

    select * from {{ ref('article_values') }}

)

select
    states.article_id,
    articles.article_name,
    states.serial_number,
    coalesce(equipments.equipment_category_code, 'S') as category_code,
    states.status_code,
    case states.status_code
        when 'ESTO' then 'In the warehouse'
        when 'ECUS' then 'At the customer'
        when 'AVLB' then 'Exists, in no stock'
    end as status_name,
    states.unit_state,
    states.status_conflict,
    {{ conflict_reasons('states.status_conflict') }} as conflict_reasons,
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
    coalesce(valuation_types.valuation_type_name, states.valuation_type) as valuation_type_name,
    -- What we have is worth what its valuation type is valued at where it lies, or else its article as a whole.
    case
        when states.unit_state in ('in_stock', 'in_transit', 'with_vendor') then coalesce(typed.unit_price, whole.unit_price)
    end as current_value,
    equipments.master_batch_id,
    states.special_stock_code,
    states.customer_id,
    states.sales_order_id,
    states.vendor_id,
    coalesce(warranties.warranty_end_date, equipments.warranty_end_date) as warranty_end_date,
    states.first_movement_date,
    states.last_movement_date,
    states.last_moved_at,
    states.last_movement_type,
    movement_types.movement_name as last_movement_name,
    states.last_document_id,
    states.last_witness_names,
    cast(states.movement_count as integer) as movement_count,
    cast(states.sale_count as integer) as sale_count,
    cast(states.return_count as integer) as return_count,
    cast(states.repair_count as integer) as repair_count,
    states.previous_article_id,
    states.next_article_id,
    -- Nobody unpacks on paper what a customer carried home.
    case when states.unit_state in ('in_stock', 'in_transit') then packed.handling_unit_id end as handling_unit_id,
    built_in.parent_article_id,
    built_in.parent_serial_number,
    states.ingested_at
from states
left join articles on states.article_id = articles.article_id
left join equipments on states.article_id = equipments.article_id and states.serial_number = equipments.serial_number
left join stock_types on states.stock_type_code = stock_types.stock_type_code
left join movement_types on states.last_movement_type = movement_types.movement_type
left join warranties on states.article_id = warranties.article_id and states.serial_number = warranties.serial_number
left join packed on states.article_id = packed.article_id and states.serial_number = packed.serial_number
left join built_in
    on states.article_id = built_in.component_article_id and states.serial_number = built_in.component_serial_number
left join valuation_types on upper(states.valuation_type) = valuation_types.valuation_type
left join article_values as typed
    on
        states.article_id = typed.article_id
        and states.site_id = typed.valuation_area_id
        and upper(states.valuation_type) = typed.valuation_type
left join article_values as whole
    on states.article_id = whole.article_id and states.site_id = whole.valuation_area_id and whole.valuation_type is null
left join trusted on states.article_id = trusted.article_id and states.site_id = trusted.site_id
