-- One row per receipt line by which a customer brought something back.
with lines as (

    select * from {{ ref('int_sales_lines') }}

),

returned as (

    select * from lines
    where line_kind = 'return'

),

sales as (

    select * from lines
    where line_kind = 'sale'

),

scans as (

    select * from {{ ref('stg_handheld__scans') }}
    where action = 'inspect'

),

-- The sale that a return belongs to: the receipt it refers to, else the unit's last sale before it.
candidates as (

    select
        returned.source_name,
        returned.receipt_id,
        returned.receipt_line,
        sales.receipt_id as sold_receipt_id,
        sales.sold_at,
        sales.site_id as sold_site_id,
        sales.customer_id as sold_customer_id,
        row_number() over (
            partition by returned.source_name, returned.receipt_id, returned.receipt_line
            order by
                case when sales.receipt_number = returned.original_receipt_number then 0 else 1 end asc,
                sales.sold_at desc,
                sales.receipt_id asc,
                sales.receipt_line asc
        ) as preference
    from returned
    inner join sales
        on
            returned.article_id = sales.article_id
            and returned.serial_number = sales.serial_number
            and returned.sold_at >= sales.sold_at

),

matched as (

    select * from candidates
    where preference = 1

),

-- The first inspection after the return says what became of the unit.
inspections as (

    select
        returned.source_name,
        returned.receipt_id,
        returned.receipt_line,
        scans.condition_code,
        scans.disposition_code,
        scans.scanned_at,
        row_number() over (
            partition by returned.source_name, returned.receipt_id, returned.receipt_line
            order by scans.scanned_at, scans.scan_id
        ) as preference
    from returned
    inner join scans
        on
            returned.article_id = scans.article_id
            and returned.serial_number = scans.serial_number
            and returned.sold_at <= scans.scanned_at

),

inspected as (

    select * from inspections
    where preference = 1

)

select
    returned.receipt_id,
    returned.receipt_line,
    returned.site_id,
    returned.article_id,
    returned.serial_number,
    coalesce(returned.customer_id, matched.sold_customer_id) as customer_id,
    matched.sold_receipt_id,
    matched.sold_site_id,
    returned.return_reason_code,
    coalesce(inspected.condition_code, returned.condition_code) as condition_code,
    inspected.disposition_code,
    returned.currency_code,
    cast(-returned.quantity as decimal(18, 3)) as units_returned,
    cast(-returned.amount as decimal(18, 2)) as returns_amount,
    cast(cast(returned.sold_at as date) - cast(matched.sold_at as date) as integer) as days_since_sale,
    returned.serial_number is not null as is_serialised,
    matched.sold_receipt_id is not null as has_known_sale,
    returned.sold_date as returned_date,
    returned.sold_at as returned_at,
    matched.sold_at,
    inspected.scanned_at as inspected_at
from returned
left join matched
    on
        returned.source_name = matched.source_name
        and returned.receipt_id = matched.receipt_id
        and returned.receipt_line = matched.receipt_line
left join inspected
    on
        returned.source_name = inspected.source_name
        and returned.receipt_id = inspected.receipt_id
        and returned.receipt_line = inspected.receipt_line
