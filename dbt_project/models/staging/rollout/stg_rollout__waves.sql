-- One row per site of the plan, as its newest issue says.
with waves as (

    select * from {{ source('rollout', 'waves') }}

),

renamed as (

    select
        wave as wave_number,
        upper(trim(site)) as site_id,
        planned_go_live_on as planned_go_live_date,
        lower(trim(status)) as plan_status_name,
        issued_on as issued_date,
        row_number() over (
            partition by upper(trim(site)) order by issued_on desc, _ingested_at desc, _file desc, _line desc
        ) as age
    from waves

)

select
    wave_number,
    site_id,
    planned_go_live_date,
    plan_status_name,
    issued_date
from renamed
where age = 1
