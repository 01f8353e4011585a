-- One row per unit and sale: the warranty that it came with, and what repairs add to it.
{{ config(materialized='view') }}

with sales as (

    select * from {{ ref('int_unit_sales') }}

),

terms as (

    select
        *,
        lead(valid_from_date) over (partition by article_id order by valid_from_date) as next_valid_from_date
    from {{ ref('stg_quality__warranty_terms') }}

),

equipments as (

    select * from {{ ref('int_equipments_by_unit') }}

),

-- The newest report of a repair order speaks.
repairs as (

    select * from (
        select
            *,
            row_number() over (partition by repair_order_id order by ingested_at desc, file desc, line desc) as age
        from {{ ref('stg_repair_vendor__repair_orders') }}
    ) as reports
    where age = 1 and outcome_code in ('repaired', 'exchanged') and returned_date >= received_date

),

termed as (

    select
        sales.*,
        equipments.warranty_end_date as erp_warranty_end_date,
        coalesce(terms.repair_term_days, {{ var('warranty_repair_term_days') }}) as repair_term_days,
        case
            when terms.article_id is not null then 'article'
            when sales.is_last_sale and equipments.warranty_end_date >= sales.sold_date then 'equipment'
            else 'default'
        end as term_source_code,
        case
            when terms.article_id is not null then terms.term_months
            when sales.is_last_sale and equipments.warranty_end_date >= sales.sold_date then null
            else {{ var('warranty_term_months') }}
        end as term_months
    from sales
    left join terms
        on
            sales.article_id = terms.article_id
            and sales.sold_date >= terms.valid_from_date
            and sales.sold_date < coalesce(terms.next_valid_from_date, date '9999-12-31')
    left join equipments on sales.article_id = equipments.article_id and sales.serial_number = equipments.serial_number

),

ended as (

    select
        *,
        case
            when term_source_code = 'equipment' then erp_warranty_end_date
            else cast(sold_date + to_months(cast(term_months as integer)) as date)
        end as term_end_date
    from termed

),

-- A repair counts while the customer has the unit and the term runs; the term stands still meanwhile.
repaired as (

    select
        ended.article_id,
        ended.serial_number,
        ended.sale_number,
        count(*) as repair_count,
        sum(repairs.returned_date - repairs.received_date) as repair_days,
        max(repairs.returned_date) as last_repaired_date
    from ended
    inner join repairs
        on
            ended.article_id = repairs.article_id
            and ended.serial_number = repairs.serial_number
    where
        repairs.received_date between ended.sold_date and ended.term_end_date
        and repairs.received_date < coalesce(ended.returned_date, ended.next_sold_date, date '9999-12-31')
    group by ended.article_id, ended.serial_number, ended.sale_number

)

select
    ended.*,
    coalesce(repaired.repair_count, 0) as repair_count,
    coalesce(repaired.repair_days, 0) as repair_days,
    greatest(
        ended.term_end_date + cast(coalesce(repaired.repair_days, 0) as integer),
        coalesce(repaired.last_repaired_date + ended.repair_term_days, ended.term_end_date)
    ) as warranty_end_date
from ended
left join repaired
    on
        ended.article_id = repaired.article_id
        and ended.serial_number = repaired.serial_number
        and ended.sale_number = repaired.sale_number
