-- One row per customer that master data or any sale names.
with masters as (

    select
        customer_id,
        account_group_code,
        country_code,
        region_code
    from {{ ref('stg_sap__customers') }}
    union all
    -- Tryton's customers are the parties that we ship to; where the ERPs share a code, it is the same customer.
    select distinct
        customer_id,
        cast(null as varchar) as account_group_code,
        cast(null as varchar) as country_code,
        cast(null as varchar) as region_code
    from {{ ref('stg_tryton__shipments') }}
    where customer_id is not null and customer_id not in (select customer_id from {{ ref('stg_sap__customers') }})

),

bought as (

    select
        customer_id,
        min(sold_date) as first_sale_date,
        max(sold_date) as last_sale_date,
        sum(case when line_kind = 'sale' then quantity else 0 end) as units_bought,
        sum(case when line_kind = 'return' then -quantity else 0 end) as units_returned
    from {{ ref('int_sales_lines') }}
    where customer_id is not null
    group by customer_id

)

select
    coalesce(masters.customer_id, bought.customer_id) as customer_id,
    masters.account_group_code,
    masters.country_code,
    masters.region_code,
    cast(coalesce(bought.units_bought, 0) as decimal(18, 3)) as units_bought,
    cast(coalesce(bought.units_returned, 0) as decimal(18, 3)) as units_returned,
    masters.customer_id is not null as has_master_data,
    bought.first_sale_date,
    bought.last_sale_date
from masters
full outer join bought on masters.customer_id = bought.customer_id
