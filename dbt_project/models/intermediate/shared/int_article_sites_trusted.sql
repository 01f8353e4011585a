-- One row per article and site of the article master: how far stock counted by units can be trusted there.
{{ config(materialized='view') }}

with article_sites as (

    select * from {{ ref('int_article_sites') }}

),

profiles as (

    select * from {{ ref('int_serial_profiles_trusted') }}

)

select
    article_sites.article_id,
    article_sites.site_id,
    article_sites.serial_number_profile_code,
    -- Without a profile no business procedure takes serial numbers.
    case
        when article_sites.serial_number_profile_code is null then 'none'
        else coalesce(profiles.trust_level, 'unknown')
    end as trust_level
from article_sites
left join profiles on article_sites.serial_number_profile_code = profiles.serial_number_profile_code
