-- One row per site, day and task, as delivered last.
with task_times as (

    select * from {{ source('rollout', 'task_times') }}

),

renamed as (

    select
        upper(trim(site)) as site_id,
        worked_on as worked_date,
        lower(trim(task)) as task_name,
        units,
        minutes,
        row_number() over (
            partition by upper(trim(site)), worked_on, lower(trim(task)) order by _ingested_at desc, _file desc, _line desc
        ) as age
    from task_times

)

select
    site_id,
    worked_date,
    task_name,
    units,
    minutes
from renamed
where age = 1 and units > 0 and minutes > 0
