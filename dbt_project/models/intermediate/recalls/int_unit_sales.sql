-- One row per unit and sale: who sold it to whom, and when it came back.
{{ config(materialized='incremental', incremental_strategy='replace_units', on_schema_change='fail', meta={'in_buckets': true}) }}

with movements as (

    {{ movements_of_units() }}

),

-- A till that takes a unit back posts a reversal too; only one that names the sale says that there was none.
reversals as (

    select distinct
        article_id,
        serial_number,
        reverses_document_id
    from movements
    where is_reversal and reverses_document_id is not null

),

sales as (

    select movements.*
    from movements
    left join reversals
        on
            movements.article_id = reversals.article_id
            and movements.serial_number = reversals.serial_number
            and movements.document_id = reversals.reverses_document_id
    where movements.unit_state = 'with_customer' and not movements.is_reversal and reversals.article_id is null

)

select
    sales.article_id,
    sales.serial_number,
    cast(row_number() over unit as integer) as sale_number,
    lead(sales.movement_date) over unit is null as is_last_sale,
    sales.document_id as sold_document_id,
    sales.from_site_id as sold_site_id,
    sales.customer_id,
    sales.movement_date as sold_date,
    lead(sales.movement_date) over unit as next_sold_date,
    case when followers.unit_state <> 'with_customer' then followers.movement_date end as returned_date,
    greatest(sales.ingested_at, coalesce(followers.ingested_at, sales.ingested_at)) as ingested_at
from sales
left join movements as followers
    on
        sales.article_id = followers.article_id
        and sales.serial_number = followers.serial_number
        and sales.sequence_number + 1 = followers.sequence_number
window unit as (partition by sales.article_id, sales.serial_number order by sales.sequence_number)
