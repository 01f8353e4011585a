-- One row per vendor: its newest extract.
with newest as (

    {{ newest_extracts(source('sap', 'lfa1'), ['lifnr']) }}

),

renamed as (

    select
        {{ without_leading_zeros('lifnr') }} as vendor_id,
        {{ blank_to_null('name1') }} as vendor_name,
        {{ blank_to_null('ktokk') }} as account_group_code,
        {{ blank_to_null('land1') }} as country_code,
        {{ blank_to_null('regio') }} as region_code
    from newest

)

select * from renamed
