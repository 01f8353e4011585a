-- One row per unit that lies where it was sent by a site at which its article has another serial number profile.
with article_sites as (

    select * from {{ ref('int_article_sites') }}

),

mixed_articles as (

    select article_id
    from article_sites
    group by article_id
    having count(distinct coalesce(serial_number_profile_code, '')) > 1

),

arrivals as (

    select stays.*
    from {{ ref('serial_stays') }} as stays
    inner join mixed_articles on stays.article_id = mixed_articles.article_id
    where stays.is_current and stays.unit_state in ('in_stock', 'in_transit')

)

select
    arrivals.article_id,
    arrivals.serial_number,
    movements.from_site_id,
    movements.to_site_id,
    origins.serial_number_profile_code as from_profile_code,
    targets.serial_number_profile_code as to_profile_code
from arrivals
inner join {{ ref('serial_movements') }} as movements on arrivals.arrival_movement_id = movements.movement_id
inner join article_sites as origins
    on movements.article_id = origins.article_id and movements.from_site_id = origins.site_id
inner join article_sites as targets
    on movements.article_id = targets.article_id and movements.to_site_id = targets.site_id
where
    movements.movement_type in ('301', '303', '305', '351', '641', '643', '645', '647')
    and movements.from_site_id <> movements.to_site_id
    and coalesce(origins.serial_number_profile_code, '') <> coalesce(targets.serial_number_profile_code, '')
