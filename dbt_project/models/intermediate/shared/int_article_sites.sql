-- One row per article and site: its serial number profile, from a table extract or a live S/4HANA, whichever was read last.
{{ config(materialized='view') }}

with read_from_systems as (

    select
        article_id,
        site_id,
        serial_number_profile_code,
        extracted_date,
        1 as preference
    from {{ ref('stg_s4__product_plants') }}
    union all
    select
        article_id,
        site_id,
        serial_number_profile_code,
        extracted_date,
        2 as preference
    from {{ ref('stg_sap__article_sites') }}

),

numbered as (

    select
        *,
        row_number() over (partition by article_id, site_id order by extracted_date desc, preference asc) as age
    from read_from_systems

)

select
    article_id,
    site_id,
    serial_number_profile_code
from numbered
where age = 1
