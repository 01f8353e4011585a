-- One row per global location number that names one site alone, and since when that is known here.
with t001w as (

    select * from {{ source('sap', 't001w') }}

),

renamed as (

    select
        trim(werks) as site_id,
        {{ blank_to_null('gln') }} as gln,
        _ingested_at as ingested_at
    from t001w
    where {{ blank_to_null('gln') }} is not null

)

select
    gln,
    min(site_id) as site_id,
    min(ingested_at) as ingested_at
from renamed
group by gln
having min(site_id) = max(site_id)
