-- One row per site and set of differences that a person accepted, as decided last.
with acceptances as (

    select * from {{ source('rollout', 'acceptances') }}

),

renamed as (

    select
        upper(trim(site)) as site_id,
        trim(difference_id) as difference_id,
        reason,
        decided_at,
        row_number() over (
            partition by upper(trim(site)), trim(difference_id)
            order by decided_at desc, _ingested_at desc, _file desc, _line desc
        ) as age
    from acceptances

)

select
    site_id,
    difference_id,
    reason,
    decided_at
from renamed
where age = 1
