-- One row per site that master data or any movement or sale names.
with masters as (

    select * from {{ ref('stg_sap__sites') }}

),

-- A warehouse of Tryton is a site.
tryton_masters as (

    select
        site_id,
        min(location_name) as site_name
    from {{ ref('stg_tryton__locations') }}
    where location_type = 'warehouse'
    group by site_id

),

-- A site works with serials from the first one it posted: usually its initial load.
live as (

    select
        site_id,
        min(valid_from_at) as first_stay_at
    from {{ ref('serial_stays') }}
    where unit_state = 'in_stock'
    group by site_id

),

named as (

    select site_id from masters
    union
    select site_id from tryton_masters
    union
    select site_id from live
    union
    select site_id from {{ ref('int_sales_lines') }}

)

select
    named.site_id,
    coalesce(masters.site_name, tryton_masters.site_name) as site_name,
    case masters.site_category_code when 'A' then 'store' when 'B' then 'distribution_centre' else 'unknown' end as site_kind,
    masters.region_code,
    masters.country_code,
    masters.city_name,
    masters.gln,
    masters.latitude_degrees,
    masters.longitude_degrees,
    coalesce(masters.site_id, tryton_masters.site_id) is not null as has_master_data,
    cast(live.first_stay_at as date) as serial_go_live_date
from named
left join masters on named.site_id = masters.site_id
left join tryton_masters on named.site_id = tryton_masters.site_id
left join live on named.site_id = live.site_id
where named.site_id is not null
