-- One row per warranty claim, judged by what the ledger knows of the unit.
with claims as (

    select * from {{ ref('stg_quality__warranty_claims') }}

),

units as (

    select
        article_id,
        serial_number
    from {{ ref('int_serial_states') }}

),

-- The last sale by the day of the claim is the one that it refers to.
sold as (

    select
        claims.claim_id,
        sales.*,
        row_number() over (partition by claims.claim_id order by sales.sale_number desc) as preference
    from claims
    inner join {{ ref('int_unit_sales_covered') }} as sales
        on
            claims.article_id = sales.article_id
            and claims.serial_number = sales.serial_number
            and claims.claimed_date >= sales.sold_date

),

-- The same fault of the same unit, claimed again within days while the earlier claim was not rejected.
duplicates as (

    select
        claims.claim_id,
        max_by(earlier.claim_id, (earlier.claimed_date, earlier.claim_id)) as duplicate_of_claim_id
    from claims
    inner join claims as earlier
        on
            claims.article_id = earlier.article_id
            and claims.serial_number = earlier.serial_number
            and claims.fault_code is not distinct from earlier.fault_code
            and earlier.decision_code is distinct from 'rejected'
            and earlier.claimed_date >= claims.claimed_date - {{ var('warranty_duplicate_days') }}
            and (earlier.claimed_date, earlier.claim_id) < (claims.claimed_date, claims.claim_id)
    group by claims.claim_id

),

judged as (

    select
        claims.*,
        sold.sold_site_id,
        sold.sold_document_id,
        duplicates.duplicate_of_claim_id,
        sold.sold_date,
        sold.warranty_end_date,
        case
            when units.article_id is null then 'unknown_unit'
            when sold.claim_id is null then 'never_sold'
            when duplicates.claim_id is not null then 'duplicate_claim'
            when claims.customer_id <> sold.customer_id then 'other_customer'
            when
                claims.site_id <> sold.sold_site_id and (claims.customer_id is null or sold.customer_id is null)
                then 'sold_elsewhere'
            when claims.claimed_date > sold.returned_date then 'returned'
            when claims.claimed_date > sold.warranty_end_date then 'out_of_term'
            else 'in_term'
        end as judgement_code
    from claims
    left join units on claims.article_id = units.article_id and claims.serial_number = units.serial_number
    left join sold on claims.claim_id = sold.claim_id and sold.preference = 1
    left join duplicates on claims.claim_id = duplicates.claim_id

)

select
    claim_id,
    site_id,
    customer_id,
    article_id,
    serial_number,
    fault_code,
    decision_code,
    judgement_code,
    (judgement_code = 'in_term') = (decision_code is not distinct from 'rejected') as is_to_review,
    sold_site_id,
    sold_document_id,
    duplicate_of_claim_id,
    sold_date,
    warranty_end_date,
    claimed_date,
    ingested_at
from judged
