-- One row per site that is planned, has delivered legacy stock, or was loaded.
with plan as (

    select * from {{ ref('stg_rollout__waves') }}

),

loaded as (

    select * from {{ ref('int_sites_loaded') }}

),

loads as (

    select * from {{ ref('rollout_loads') }}

),

legacy as (

    select
        site_id,
        max(stock_date) as stock_date,
        sum(quantity) as legacy_quantity
    from {{ ref('stg_rollout__legacy_stock') }}
    group by site_id

),

places as (

    select
        site_id,
        max(counted_date) as counted_date,
        sum(loaded_quantity) as loaded_quantity,
        sum(counted_quantity) as counted_quantity,
        sum(case when not is_reconciled then 1 else 0 end) as places_off,
        sum(units_off) as units_off
    from loads
    group by site_id

),

-- What is wrong at a site, as text: other differences have another name.
differences as (

    select
        site_id,
        concat_ws(
            '/', storage_location_id, article_id, stock_type_code,
            coalesce(cast(difference_to_legacy as varchar), ''), coalesce(cast(difference_to_count as varchar), '')
        ) as difference
    from loads
    where not is_reconciled
    union all
    select
        site_id,
        concat_ws('/', article_id, serial_number, deviation_code) as difference
    from {{ ref('rollout_load_units') }}

),

named as (

    select
        site_id,
        md5({{ joined_text('difference', 'difference') }}) as difference_id
    from differences
    group by site_id

),

sites as (

    select site_id from plan
    union
    select site_id from loaded
    union
    select site_id from legacy

),

judged as (

    select
        sites.site_id,
        plan.wave_number,
        plan.plan_status_name,
        plan.planned_go_live_date,
        loaded.go_live_date,
        legacy.stock_date,
        legacy.legacy_quantity,
        places.counted_date,
        places.loaded_quantity,
        places.counted_quantity,
        coalesce(places.places_off, 0) as places_off,
        coalesce(places.units_off, 0) as units_off,
        named.difference_id,
        acceptances.reason as accepted_reason,
        case
            when loaded.site_id is null then 'waiting'
            when named.difference_id is not null and acceptances.site_id is null then 'held'
            when named.difference_id is null and (legacy.site_id is null or places.counted_date is null) then 'loaded'
            else 'live'
        end as state_name
    from sites
    left join plan on sites.site_id = plan.site_id
    left join loaded on sites.site_id = loaded.site_id
    left join legacy on sites.site_id = legacy.site_id
    left join places on sites.site_id = places.site_id
    left join named on sites.site_id = named.site_id
    left join {{ ref('stg_rollout__acceptances') }} as acceptances
        on named.site_id = acceptances.site_id and named.difference_id = acceptances.difference_id

)

select
    site_id,
    wave_number,
    plan_status_name,
    planned_go_live_date,
    go_live_date,
    state_name,
    state_name = 'held' as is_held,
    stock_date,
    counted_date,
    cast(legacy_quantity as decimal(15, 3)) as legacy_quantity,
    cast(loaded_quantity as decimal(15, 3)) as loaded_quantity,
    cast(counted_quantity as decimal(15, 3)) as counted_quantity,
    cast(places_off as integer) as places_off,
    cast(units_off as integer) as units_off,
    difference_id,
    accepted_reason,
    case
        when state_name = 'waiting' and planned_go_live_date is null then 'Nothing is loaded, and no wave is planned.'
        when state_name = 'waiting' then concat('Nothing is loaded; planned for ', cast(planned_go_live_date as varchar), '.')
        when state_name = 'loaded'
            then concat(
                'Not checked yet: ',
                concat_ws(
                    ' and ',
                    case when stock_date is null then 'the legacy stock' end,
                    case when counted_date is null then 'the count of the cut-over' end
                ),
                ' is missing.'
            )
        when state_name = 'held'
            then concat(
                'The initial load is off in ', cast(places_off as varchar), ' places and ', cast(units_off as varchar),
                ' units (rollout_loads, rollout_load_units): mend it by 561 and 562, or serialake accept-load ', site_id,
                ' --reason WHY.'
            )
        when difference_id is not null then concat('Live; the differences of its load were accepted: ', accepted_reason)
        else 'Live; the load agrees with legacy stock and count to the unit.'
    end as explanation
from judged
