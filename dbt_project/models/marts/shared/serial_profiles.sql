-- One row per serial number profile and serialising procedure.
with profiles as (

    select * from {{ ref('stg_sap__serial_number_profiles') }}

),

trusted as (

    select * from {{ ref('int_serial_profiles_trusted') }}

),

-- A source may give the use in goods movements alone, as a column of the profile.
procedures as (

    select
        serial_number_profile_code,
        procedure_code,
        usage_code,
        equipment_requirement_code
    from {{ ref('stg_sap__serialising_procedures') }}
    union all
    select
        serial_number_profile_code,
        'MMSL' as procedure_code,
        goods_movement_usage_code as usage_code,
        cast(null as varchar) as equipment_requirement_code
    from profiles
    where
        goods_movement_usage_code is not null
        and serial_number_profile_code not in (
            select listed.serial_number_profile_code from {{ ref('stg_sap__serialising_procedures') }} as listed
        )

),

used as (

    select
        serial_number_profile_code,
        cast(count(*) as integer) as article_sites
    from {{ ref('int_article_sites') }}
    where serial_number_profile_code is not null
    group by serial_number_profile_code

),

names as (

    select * from {{ ref('serialising_procedures') }}

),

usages as (

    select
        usage_code,
        max(usage_name) as usage_name
    from {{ ref('trust_levels') }}
    group by usage_code

),

stock_checks as (

    select
        stock_check_code,
        max(stock_check_name) as stock_check_name
    from {{ ref('trust_levels') }}
    group by stock_check_code

)

select
    profiles.serial_number_profile_code,
    coalesce(procedures.procedure_code, '') as procedure_code,
    profiles.serial_number_profile_name,
    names.procedure_name,
    procedures.usage_code,
    usages.usage_name,
    procedures.equipment_requirement_code,
    profiles.must_exist_before_use,
    profiles.equipment_category_code,
    coalesce(profiles.stock_check_code, '0') as stock_check_code,
    stock_checks.stock_check_name,
    profiles.is_uii_possible,
    profiles.is_uii_shown,
    trusted.trust_level,
    coalesce(used.article_sites, 0) as article_sites
from profiles
inner join trusted on profiles.serial_number_profile_code = trusted.serial_number_profile_code
left join procedures on profiles.serial_number_profile_code = procedures.serial_number_profile_code
left join names on procedures.procedure_code = names.procedure_code
left join usages on procedures.usage_code = usages.usage_code
left join stock_checks on coalesce(profiles.stock_check_code, '0') = stock_checks.stock_check_code
left join used on profiles.serial_number_profile_code = used.serial_number_profile_code
