-- One row per vendor.
with vendors as (

    select * from {{ ref('stg_sap__vendors') }}

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
