-- One row per serial number profile: its newest extract.
with newest as (

    {{ newest_extracts(source('sap', 't377p'), ['serail']) }}

),

renamed as (

    select
        trim(serail) as serial_number_profile_code,
        {{ blank_to_null('sertx') }} as serial_number_profile_name,
        {{ blank_to_null('eqtyp') }} as equipment_category_code,
        {{ blank_to_null('bstvp') }} as stock_check_code,
        {{ blank_to_null('mmsl_usage') }} as goods_movement_usage_code,
        coalesce(upper(trim(serex)) = 'X', false) as must_exist_before_use,
        coalesce(upper(trim(iuid_compatible)) = 'X', false) as is_uii_possible,
        coalesce(upper(trim(uid_used)) = 'X', false) as is_uii_shown
    from newest

)

select * from renamed
