-- One row per article, valuation area and valuation type: its newest extract.
with newest as (

    {{ newest_extracts(source('sap', 'mbew'), [without_leading_zeros('matnr'), 'bwkey', "coalesce(bwtar, '')"]) }}

),

renamed as (

    select
        {{ without_leading_zeros('matnr') }} as article_id,
        trim(bwkey) as site_id,
        {{ blank_to_null('bwtar') }} as valuation_type,
        coalesce(upper(trim(vprsv)), 'V') = 'S' as is_standard_price,
        -- The moving average, unless the article is kept at a standard price.
        case when upper(trim(vprsv)) = 'S' then stprs else verpr end as unit_price
    from newest

)

select * from renamed
