-- One row per vendor.
with vendors as (

    select
        vendor_id,
        vendor_name,
        account_group_code,
        country_code,
        region_code
    from {{ ref('stg_sap__vendors') }}
    union all
    -- Tryton's suppliers are the parties that ship to us; where the ERPs share a code, it is the same vendor.
    select
        vendor_id,
        max_by(vendor_name, changed_at) as vendor_name,
        cast(null as varchar) as account_group_code,
        cast(null as varchar) as country_code,
        cast(null as varchar) as region_code
    from {{ ref('stg_tryton__shipments') }}
    where vendor_id is not null and vendor_id not in (select vendor_id from {{ ref('stg_sap__vendors') }})
    group by vendor_id

)

select
    vendor_id,
    vendor_name,
    account_group_code,
    case account_group_code
        when 'MANU' then 'manufacturer'
        when 'REPA' then 'repair_vendor'
        when 'CARR' then 'carrier'
        else 'other'
    end as vendor_kind,
    country_code,
    region_code
from vendors
