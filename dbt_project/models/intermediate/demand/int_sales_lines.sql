-- One row per sales line of any till: what was sold, brought back, adjusted or given, serialised or in bulk.
with receipt_lines as (

    select * from {{ ref('int_receipt_lines') }}

),

sales as (

    select * from {{ ref('stg_tabular__sales') }}

),

tills as (

    select
        'pos' as source_name,
        receipt_lines.receipt_id,
        receipt_lines.receipt_line,
        receipt_lines.receipt_number,
        receipt_lines.original_receipt_number,
        receipt_lines.site_id,
        receipt_lines.article_id,
        cast(null as varchar) as article_name,
        receipt_lines.serial_number,
        receipt_lines.customer_id,
        receipt_lines.campaign_id,
        receipt_lines.return_reason_code,
        receipt_lines.condition_code,
        receipt_lines.currency_code,
        case when receipt_lines.is_return then 'return' else 'sale' end as line_kind,
        case when receipt_lines.is_return then -receipt_lines.quantity else receipt_lines.quantity end as quantity,
        case when receipt_lines.is_return then -receipt_lines.amount else receipt_lines.amount end as amount,
        receipt_lines.sold_date,
        receipt_lines.sold_at,
        receipt_lines.record_created_at,
        receipt_lines.file,
        receipt_lines.line,
        receipt_lines.ingested_at
    from receipt_lines

),

shops as (

    select
        'tabular_sales' as source_name,
        receipt_id,
        receipt_line,
        receipt_id as receipt_number,
        cast(null as varchar) as original_receipt_number,
        site_id,
        article_id,
        article_name,
        serial_number,
        customer_id,
        campaign_id,
        return_reason_code,
        cast(null as varchar) as condition_code,
        currency_code,
        line_kind,
        quantity,
        amount,
        sold_date,
        sold_at,
        cast(null as timestamp) as record_created_at,
        file,
        line,
        ingested_at
    from sales

),

lines as (

    select * from tills
    union all
    select * from shops

),

-- A receipt of a till comes whole in one file: sent again, its newest version is the receipt. Lines that came through a
-- mapping contract have versions of their own, since nothing says that their receipt is whole.
numbered as (

    select
        *,
        dense_rank() over (
            partition by source_name, receipt_id, case when source_name <> 'pos' then receipt_line end
            order by record_created_at desc nulls last, ingested_at desc, file desc
        ) as version_age,
        row_number() over (partition by source_name, receipt_id, receipt_line, file order by line desc) as copy_number
    from lines

)

select * from numbered
where version_age = 1 and copy_number = 1
