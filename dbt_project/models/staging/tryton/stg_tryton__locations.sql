-- One row per location: its newest extract, with the warehouse around it, which is the site.
with recursive locations as (

    select
        *,
        row_number() over (partition by id order by extracted_at desc, _ingested_at desc, _line desc) as age
    from {{ source('tryton', 'locations') }}

),

coded as (

    select
        id as location_id,
        parent as parent_location_id,
        type as location_type,
        {{ blank_to_null('name') }} as location_name,
        coalesce({{ blank_to_null('code') }}, 'TRYTON-' || cast(id as varchar)) as location_code
    from locations
    where age = 1 and not is_deleted

),

-- From each location upwards, to the nearest warehouse.
climbed as (

    select
        location_id,
        location_id as above_location_id,
        0 as levels
    from coded
    union all
    select
        climbed.location_id,
        coded.parent_location_id as above_location_id,
        climbed.levels + 1 as levels
    from climbed
    inner join coded on climbed.above_location_id = coded.location_id
    where coded.location_type <> 'warehouse' and coded.parent_location_id is not null and climbed.levels < 100

),

warehouses as (

    select
        climbed.location_id,
        coded.location_code as site_id
    from climbed
    inner join coded on climbed.above_location_id = coded.location_id
    where coded.location_type = 'warehouse'

)

select
    coded.location_id,
    coded.location_name,
    coded.location_type,
    -- Storage that lies in no warehouse is what Tryton moves units through between two of them.
    case
        when coded.location_type = 'storage' and warehouses.site_id is null then 'transit'
        else coded.location_type
    end as place_kind,
    warehouses.site_id,
    case when coded.location_type <> 'warehouse' then coded.location_code end as storage_location_id
from coded
left join warehouses on coded.location_id = warehouses.location_id
