-- One row per serial number profile: how far stock that is counted by its units can be trusted.
{{ config(materialized='view') }}

with profiles as (

    select * from {{ ref('stg_sap__serial_number_profiles') }}

),

-- Where the procedures are known at all, goods movements that are not among them take no serial numbers.
procedures as (

    select
        serial_number_profile_code,
        coalesce(max(usage_code) filter (where procedure_code = 'MMSL'), '01') as usage_code
    from {{ ref('stg_sap__serialising_procedures') }}
    group by serial_number_profile_code

),

joined as (

    select
        profiles.serial_number_profile_code,
        coalesce(procedures.usage_code, profiles.goods_movement_usage_code) as goods_movement_usage_code,
        coalesce(profiles.stock_check_code, '0') as stock_check_code
    from profiles
    left join procedures on profiles.serial_number_profile_code = procedures.serial_number_profile_code

),

trust_levels as (

    select * from {{ ref('trust_levels') }}

)

select
    joined.serial_number_profile_code,
    joined.goods_movement_usage_code,
    coalesce(trust_levels.trust_level, 'unknown') as trust_level
from joined
left join trust_levels
    on
        joined.goods_movement_usage_code = trust_levels.usage_code
        and joined.stock_check_code = trust_levels.stock_check_code
