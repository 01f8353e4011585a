-- One row per unit that was ever sold: the warranty of its last sale.
{{ config(materialized='view') }}

with sales as (

    select * from {{ ref('int_unit_sales_covered') }}
    where is_last_sale

),

states as (

    select
        article_id,
        serial_number,
        unit_state,
        last_movement_date
    from {{ ref('int_serial_states') }}

),

articles as (

    select * from {{ ref('articles') }}

),

ledger as (

    -- A date beyond the delivery of its record is an error, and must not make every warranty end.
    select cast(least(max(last_moved_at), max(ingested_at)) as date) as as_of_date from {{ ref('int_serial_states') }}

),

placed as (

    select
        sales.*,
        articles.article_name,
        ledger.as_of_date,
        -- A return that was reversed left the unit where it was.
        case when states.unit_state <> 'with_customer' then coalesce(sales.returned_date, states.last_movement_date) end
            as left_customer_date
    from sales
    inner join states on sales.article_id = states.article_id and sales.serial_number = states.serial_number
    cross join ledger
    left join articles on sales.article_id = articles.article_id

)

select
    article_id,
    serial_number,
    article_name,
    customer_id,
    sold_site_id,
    sold_document_id,
    sold_date,
    sale_number as sale_count,
    left_customer_date as returned_date,
    cast(term_months as integer) as term_months,
    term_source_code,
    term_end_date,
    cast(repair_count as integer) as repair_count,
    cast(repair_days as integer) as repair_days,
    warranty_end_date,
    erp_warranty_end_date,
    case
        when left_customer_date is not null then 'returned'
        when as_of_date > warranty_end_date then 'out_of_term'
        else 'in_term'
    end as coverage_code,
    left_customer_date is null and as_of_date <= warranty_end_date as is_in_term,
    case when left_customer_date is null then cast(warranty_end_date - as_of_date as integer) end as days_left,
    as_of_date
from placed
