-- One row per site, article and day of a plan or a count: units in doubt by then, overdue or with a contradiction.
with moments as (

    select
        site_id,
        counted_date as at_date
    from {{ ref('int_count_intervals') }}
    union
    select
        sites.site_id,
        origins.as_of_date as at_date
    from (select distinct site_id from {{ ref('int_count_intervals') }}) as sites
    cross join {{ ref('int_count_plan_origins') }} as origins

),

contradicted as (

    select
        article_id,
        serial_number,
        min(moved_at) as contradicted_at
    from {{ ref('serial_movements') }}
    where conflict_code is not null
    group by article_id, serial_number

),

doubted as (

    select
        article_id,
        serial_number,
        site_id,
        'in_transit' as doubt_code,
        valid_from_at + interval {{ var('count_plan_overdue_days') }} day as doubted_from_at,
        valid_to_at as doubted_to_at
    from {{ ref('serial_stays') }}
    where unit_state = 'in_transit'
    union all
    select
        stays.article_id,
        stays.serial_number,
        stays.site_id,
        'contradicted' as doubt_code,
        greatest(stays.valid_from_at, contradicted.contradicted_at) as doubted_from_at,
        stays.valid_to_at as doubted_to_at
    from {{ ref('serial_stays') }} as stays
    inner join contradicted
        on stays.article_id = contradicted.article_id and stays.serial_number = contradicted.serial_number
    where stays.unit_state = 'in_stock'

)

select
    moments.site_id,
    doubted.article_id,
    moments.at_date,
    count(*) filter (where doubted.doubt_code = 'in_transit') as overdue_units,
    count(*) filter (where doubted.doubt_code = 'contradicted') as contradicted_units
from moments
inner join doubted
    on
        moments.site_id = doubted.site_id
        and doubted.doubted_from_at < cast(moments.at_date as timestamp)
        and doubted.doubted_to_at >= cast(moments.at_date as timestamp)
group by moments.site_id, doubted.article_id, moments.at_date
