-- One row per customer: its newest extract.
with newest as (

    {{ newest_extracts(source('sap', 'kna1'), ['kunnr']) }}

),

renamed as (

    select
        {{ without_leading_zeros('kunnr') }} as customer_id,
        {{ blank_to_null('ktokd') }} as account_group_code,
        {{ blank_to_null('land1') }} as country_code,
        {{ blank_to_null('regio') }} as region_code
    from newest

)

select * from renamed
