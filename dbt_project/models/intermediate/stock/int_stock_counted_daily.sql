-- One row per article, site, stock type, special stock and day, from the first day that held any: units at the end of the day.
{{
    config(
        materialized='incremental',
        incremental_strategy='replace_from',
        on_schema_change='fail',
    )
}}

with ledger as (

    -- A date beyond the day on which it was delivered is an error, and must not fill the days up to it.
    select
        least(max(movement_date), cast(max(ingested_at) as date) + 1) as last_day,
        max(ingested_at) as ingested_at
    from {{ ref('serial_movements') }}

),

-- A late fact can change an article's stock from the day it speaks of, and on no day before.
changed_articles as (

    select
        article_id,
        min(earliest_date) as from_day
    from {{ ref('int_units_changed') }}
    where ingested_at > {{ watermark() }}
    group by article_id

),

stays as (

    select
        stays.article_id,
        stays.site_id,
        coalesce(stays.stock_type_code, '') as stock_type_code,
        coalesce(stays.special_stock_code, '') as special_stock_code,
        cast(stays.valid_from_at as date) as from_day,
        case when not stays.is_current then cast(stays.valid_to_at as date) end as to_day
    from {{ ref('serial_stays') }} as stays
    where stays.unit_state in ('in_stock', 'in_transit', 'with_vendor') and stays.site_id is not null

),

changes as (

    select
        article_id,
        site_id,
        stock_type_code,
        special_stock_code,
        from_day as stock_date,
        1 as units
    from stays
    union all
    select
        article_id,
        site_id,
        stock_type_code,
        special_stock_code,
        to_day as stock_date,
        -1 as units
    from stays
    where to_day is not null

),

articles as (

    {% if is_incremental() -%}
    -- Also an article that has no stay any more: its days go.
    select
        coalesce(stays.article_id, changed_articles.article_id) as article_id,
        least(min(changed_articles.from_day), (select max(stock_date) + 1 from {{ this }})) as from_day
    from stays
    full outer join changed_articles on stays.article_id = changed_articles.article_id
    group by coalesce(stays.article_id, changed_articles.article_id)
    {%- else -%}
    select
        article_id,
        min(from_day) as from_day
    from stays
    group by article_id
    {%- endif %}

),

daily_changes as (

    select
        changes.article_id,
        changes.site_id,
        changes.stock_type_code,
        changes.special_stock_code,
        greatest(changes.stock_date, articles.from_day) as stock_date,
        sum(changes.units) as units
    from changes
    inner join articles on changes.article_id = articles.article_id
    group by all

),

days as (

    select
        places.article_id,
        places.site_id,
        places.stock_type_code,
        places.special_stock_code,
        cast(day_series.stock_day as date) as stock_date
    from (
        select
            article_id,
            site_id,
            stock_type_code,
            special_stock_code,
            min(stock_date) as first_day
        from daily_changes
        group by article_id, site_id, stock_type_code, special_stock_code
    ) as places
    cross join ledger
    cross join unnest({{ day_series('places.first_day', 'ledger.last_day') }}) as day_series (stock_day)

),

counted as (

    select
        days.article_id,
        days.site_id,
        days.stock_date,
        days.stock_type_code,
        days.special_stock_code,
        cast(sum(coalesce(daily_changes.units, 0)) over (
            partition by days.article_id, days.site_id, days.stock_type_code, days.special_stock_code
            order by days.stock_date
        ) as integer) as units
    from days
    left join daily_changes
        on
            days.article_id = daily_changes.article_id
            and days.site_id = daily_changes.site_id
            and days.stock_type_code = daily_changes.stock_type_code
            and days.special_stock_code = daily_changes.special_stock_code
            and days.stock_date = daily_changes.stock_date

)

select
    counted.*,
    ledger.ingested_at
from counted
cross join ledger
{% if is_incremental() %}
union all
-- Marks, not data: what the strategy replace_from deletes before it inserts.
select
    articles.article_id,
    '' as site_id,
    articles.from_day as stock_date,
    '' as stock_type_code,
    '' as special_stock_code,
    -1 as units,
    ledger.ingested_at
from articles
cross join ledger
{% endif %}
