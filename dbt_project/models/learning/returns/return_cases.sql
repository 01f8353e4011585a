-- One row per sold unit: what was known when it was sold, and when it came back, if it did by the last observed day.
with lines as (

    select * from {{ ref('int_sales_lines') }}
    where article_id is not null and serial_number is not null

),

returns as (

    select * from {{ ref('returns') }}

),

articles as (

    select * from {{ ref('articles') }}

),

stays as (

    select * from {{ ref('serial_stays') }}
    where unit_state = 'in_stock'

),

observed as (

    select cast(max(sold_date) as timestamp) + interval 1 day as observed_until_at
    from lines

),

sold as (

    select
        *,
        row_number() over (
            partition by article_id, serial_number order by sold_at, receipt_id, receipt_line
        ) - 1 as times_sold_before
    from lines
    where line_kind = 'sale'

),

-- A unit comes back once per sale; the first return that names the sale ends the case.
first_returns as (

    select
        article_id,
        serial_number,
        sold_receipt_id,
        min(returned_at) as returned_at
    from returns
    where sold_receipt_id is not null
    group by article_id, serial_number, sold_receipt_id

),

-- How long the unit had been where it was sold from.
aged as (

    select
        sold.receipt_id,
        sold.receipt_line,
        max(stays.valid_from_at) as in_stock_since_at
    from sold
    inner join stays
        on
            sold.article_id = stays.article_id
            and sold.serial_number = stays.serial_number
            and sold.site_id = stays.site_id
            and sold.sold_at >= stays.valid_from_at
    group by sold.receipt_id, sold.receipt_line

)

select
    concat(sold.source_name, '/', sold.receipt_id, '/', sold.receipt_line) as case_id,
    sold.receipt_id,
    sold.receipt_line,
    sold.article_id,
    sold.serial_number,
    sold.site_id,
    sold.customer_id,
    articles.generic_article_id,
    articles.merchandise_category_code,
    sold.currency_code,
    cast(sold.amount as double) as amount,
    cast(sold.times_sold_before as integer) as times_sold_before,
    sold.campaign_id is not null as is_campaign,
    cast(date_diff('day', cast(aged.in_stock_since_at as date), sold.sold_date) as integer) as stock_age_days,
    sold.sold_at,
    first_returns.returned_at,
    observed.observed_until_at
from sold
cross join observed
left join articles on sold.article_id = articles.article_id
left join first_returns
    on
        sold.article_id = first_returns.article_id
        and sold.serial_number = first_returns.serial_number
        and sold.receipt_id = first_returns.sold_receipt_id
left join aged on sold.receipt_id = aged.receipt_id and sold.receipt_line = aged.receipt_line
