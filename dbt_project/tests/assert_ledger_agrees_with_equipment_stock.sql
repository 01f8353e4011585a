-- Where goods movements demand serial numbers, a unit is where the ERP keeps it (EQBS), as far as it has not moved since.
{{ config(severity='warn', meta={'dagster': {'ref': {'name': 'serials'}}}) }}

with equipment_stock as (

    select
        equipments.article_id,
        equipments.serial_number,
        stock.*
    from {{ ref('stg_sap__equipment_stock') }} as stock
    inner join {{ ref('int_equipments_by_unit') }} as equipments on stock.equipment_id = equipments.equipment_id

)

select
    stock.article_id,
    stock.serial_number,
    stock.site_id as erp_site_id,
    stock.storage_location_id as erp_storage_location_id,
    stock.stock_type_code as erp_stock_type_code,
    serials.unit_state,
    serials.site_id,
    serials.storage_location_id,
    serials.stock_type_code
from equipment_stock as stock
inner join {{ ref('int_article_sites_trusted') }} as trusted
    on stock.article_id = trusted.article_id and stock.site_id = trusted.site_id
left join {{ ref('serials') }} as serials
    on stock.article_id = serials.article_id and stock.serial_number = serials.serial_number
where
    trusted.trust_level in ('full', 'warned', 'unchecked')
    and coalesce(serials.last_movement_date, stock.extracted_date) <= stock.extracted_date
    and (
        coalesce(serials.site_id, '') <> coalesce(stock.site_id, '')
        -- Not every movement says where in the site the unit lies, a return at a till for example.
        or serials.storage_location_id <> stock.storage_location_id
        or coalesce(serials.stock_type_code, '') <> coalesce(stock.stock_type_code, '')
    )
