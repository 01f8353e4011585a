-- One row per warranty claim: its newest report.
with claims as (

    select * from {{ source('quality', 'warranty_claims') }}

),

renamed as (

    select
        trim(claim_number) as claim_id,
        {{ blank_to_null('site') }} as site_id,
        {{ without_leading_zeros('customer') }} as customer_id,
        {{ without_leading_zeros('article') }} as article_id,
        {{ without_leading_zeros('serial_number') }} as serial_number,
        {{ blank_to_null('fault_code') }} as fault_code,
        lower({{ blank_to_null('decision') }}) as decision_code,
        claimed_on as claimed_date,
        _ingested_at as ingested_at,
        row_number() over (partition by trim(claim_number) order by _ingested_at desc, _file desc, _line desc) as age
    from claims

)

select
    claim_id,
    site_id,
    customer_id,
    article_id,
    serial_number,
    fault_code,
    decision_code,
    claimed_date,
    ingested_at
from renamed
where age = 1
