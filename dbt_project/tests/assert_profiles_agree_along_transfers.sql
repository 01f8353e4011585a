-- An article has the same serial number profile at both sites between which its units are transferred.
{{ config(severity='warn', meta={'dagster': {'ref': {'name': 'serial_movements'}}}) }}

select
    movements.article_id,
    movements.from_site_id,
    movements.to_site_id,
    origins.serial_number_profile_code as from_profile_code,
    targets.serial_number_profile_code as to_profile_code,
    count(*) as movements
from {{ ref('serial_movements') }} as movements
inner join {{ ref('stg_sap__article_sites') }} as origins
    on movements.article_id = origins.article_id and movements.from_site_id = origins.site_id
inner join {{ ref('stg_sap__article_sites') }} as targets
    on movements.article_id = targets.article_id and movements.to_site_id = targets.site_id
where
    movements.from_site_id <> movements.to_site_id
    and movements.movement_type in ('301', '303', '351', '641', '643', '645', '647')
    and coalesce(origins.serial_number_profile_code, '') <> coalesce(targets.serial_number_profile_code, '')
group by all
