-- One row per unit that the ERP or a count speaks of: what ledger, ERP and last count say of it, each as of its own moment.
with in_erp as (

    select * from {{ ref('int_units_in_erp') }}

),

counted as (

    select * from {{ ref('int_units_last_counted') }}

),

trusted as (

    select * from {{ ref('int_article_sites_trusted') }}
    where trust_level in ('full', 'warned', 'unchecked')

),

states as (

    select * from {{ ref('int_serial_states') }}

),

-- An extract bears a day and no time: where the ledger had the unit at any time of that day, the ERP may have it, too.
ledger_that_day as (

    select
        in_erp.article_id,
        in_erp.serial_number,
        max_by(stays.unit_state, stays.stay_number) as unit_state,
        max_by(stays.site_id, stays.stay_number) as site_id,
        max_by(stays.storage_location_id, stays.stay_number) as storage_location_id,
        max_by(stays.stock_type_code, stays.stay_number) as stock_type_code,
        bool_or(
            stays.site_id is not distinct from in_erp.site_id
            -- Not every movement says where in the site the unit lies, a return at a till for example.
            and (
                stays.storage_location_id is not distinct from in_erp.storage_location_id
                or (stays.storage_location_id is null and stays.unit_state = 'in_stock')
            )
            and stays.stock_type_code is not distinct from in_erp.stock_type_code
        ) as is_stock_agreed,
        bool_or(stays.unit_state not in ('in_stock', 'in_transit', 'with_vendor')) as is_gone_agreed
    from in_erp
    inner join {{ ref('serial_stays') }} as stays
        on in_erp.article_id = stays.article_id and in_erp.serial_number = stays.serial_number
    where
        stays.valid_from_at < cast(in_erp.extracted_date as timestamp) + interval 1 day
        and stays.valid_to_at >= cast(in_erp.extracted_date as timestamp)
    group by in_erp.article_id, in_erp.serial_number

)

select
    coalesce(in_erp.article_id, counted.article_id) as article_id,
    coalesce(in_erp.serial_number, counted.serial_number) as serial_number,
    states.serial_number is not null as is_in_ledger,
    -- The count asks the books of its moment, and nothing has moved since; else the ERP asks those of its extract.
    case when counted.serial_number is not null then states.unit_state else ledger_that_day.unit_state end as ledger_unit_state,
    case when counted.serial_number is not null then states.site_id else ledger_that_day.site_id end as ledger_site_id,
    case
        when counted.serial_number is not null then states.storage_location_id
        else ledger_that_day.storage_location_id
    end as ledger_storage_location_id,
    case
        when counted.serial_number is not null then states.stock_type_code
        else ledger_that_day.stock_type_code
    end as ledger_stock_type_code,
    states.last_movement_type as ledger_movement_type,
    states.last_moved_at as ledger_moved_at,
    in_erp.equipment_id as erp_equipment_id,
    in_erp.site_id as erp_site_id,
    in_erp.storage_location_id as erp_storage_location_id,
    in_erp.stock_type_code as erp_stock_type_code,
    in_erp.status_codes as erp_status_codes,
    in_erp.extracted_date as erp_extracted_date,
    coalesce(in_erp.is_in_stock, false) as is_in_erp_stock,
    coalesce(in_erp.stock_places, 0) as erp_stock_places,
    coalesce(in_erp.is_in_warehouse, false) as is_in_warehouse,
    coalesce(in_erp.is_at_customer, false) as is_at_customer,
    coalesce(in_erp.is_stuck_on_delivery, false) as is_stuck_on_delivery,
    -- Only where goods movements demand serial numbers does the ERP know the place of every unit.
    case
        when in_erp.extracted_date is null or trusted.article_id is null then false
        when in_erp.is_in_stock then not coalesce(ledger_that_day.is_stock_agreed, false)
        else coalesce(not ledger_that_day.is_gone_agreed, false)
    end as is_erp_against_ledger,
    counted.result_code as count_result_code,
    counted.source_name as count_source_name,
    counted.count_document_id,
    counted.site_id as count_site_id,
    counted.storage_location_id as count_storage_location_id,
    counted.found_sites as count_found_sites,
    counted.counted_at
from in_erp
full outer join counted on in_erp.article_id = counted.article_id and in_erp.serial_number = counted.serial_number
left join ledger_that_day
    on in_erp.article_id = ledger_that_day.article_id and in_erp.serial_number = ledger_that_day.serial_number
left join states
    on
        coalesce(in_erp.article_id, counted.article_id) = states.article_id
        and coalesce(in_erp.serial_number, counted.serial_number) = states.serial_number
left join trusted
    on in_erp.article_id = trusted.article_id and coalesce(in_erp.site_id, ledger_that_day.site_id) = trusted.site_id
