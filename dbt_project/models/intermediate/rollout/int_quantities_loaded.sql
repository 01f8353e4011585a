-- One row per site, storage location, article and stock type that was loaded without serial numbers.
with movements as (

    select * from {{ ref('bulk_movements') }}
    where movement_type in ('561', '562', '563', '564', '565', '566')

)

select
    site_id,
    coalesce(storage_location_id, '') as storage_location_id,
    article_id,
    case when movement_type in ('561', '562') then '01' when movement_type in ('563', '564') then '02' else '07' end
        as stock_type_code,
    sum(bulk_quantity) as loaded_quantity,
    min(case when bulk_quantity > 0 then movement_date end) as load_date
from movements
group by
    site_id,
    coalesce(storage_location_id, ''),
    article_id,
    case when movement_type in ('561', '562') then '01' when movement_type in ('563', '564') then '02' else '07' end
