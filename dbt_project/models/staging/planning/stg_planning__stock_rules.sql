-- One row per article, site and day from which a rule holds, as delivered last; * stands for all articles, or all sites.
with stock_rules as (

    select * from {{ source('planning', 'stock_rules') }}

),

renamed as (

    select
        coalesce({{ without_leading_zeros('article_number') }}, '*') as article_id,
        coalesce(upper({{ blank_to_null('site') }}), '*') as site_id,
        coalesce(valid_from, date '1900-01-01') as valid_from_date,
        coalesce(valid_to, date '9999-12-31') as valid_to_date,
        -- What cannot hold is left out, and less special rules speak; the contract's rules tell of it.
        case when display_units >= 0 then display_units end as display_units,
        case when pack_units >= 1 then pack_units end as pack_units,
        case when capacity_units >= 0 then capacity_units end as capacity_units,
        case when asked_fill_pct > 0 and asked_fill_pct < 100 then cast(asked_fill_pct as double) / 100 end as asked_fill_share,
        case when holding_pct_per_year > 0 then cast(holding_pct_per_year as double) / 100 end as holding_share_per_year,
        case when margin_pct > 0 then cast(margin_pct as double) / 100 end as margin_share,
        _ingested_at,
        _file,
        _line
    from stock_rules

),

numbered as (

    select
        *,
        row_number() over (
            partition by article_id, site_id, valid_from_date order by _ingested_at desc, _file desc, _line desc
        ) as version_age
    from renamed

)

select * from numbered
where version_age = 1
