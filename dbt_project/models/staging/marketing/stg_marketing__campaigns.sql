-- One row per campaign and generic article, as first announced.
with campaigns as (

    select * from {{ source('marketing', 'campaigns') }}

),

renamed as (

    select
        campaign_number as campaign_id,
        {{ without_leading_zeros('generic_article') }} as generic_article_id,
        {{ blank_to_null('region') }} as region_code,
        campaign_name,
        cast(discount_pct as double) as discount_pct,
        -- A plan without a date was known when it came.
        coalesce(planned_on, cast(_ingested_at as date)) as planned_date,
        starts_on as first_date,
        ends_on as last_date,
        row_number() over (
            partition by campaign_number, generic_article, region
            order by coalesce(planned_on, cast(_ingested_at as date)) asc, _ingested_at asc, _line asc
        ) as announcement
    from campaigns

)

select * from renamed
where announcement = 1
