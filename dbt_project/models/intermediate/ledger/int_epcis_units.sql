-- One row per event and identifier of goods: the article and the sites that master data knows, and the movement it stands for.
{{ config(materialized='view') }}

with units as (

    select * from {{ ref('stg_epcis__event_units') }}

),

gtins as (

    select * from {{ ref('stg_sap__article_gtins') }}

),

places as (

    select * from {{ ref('stg_sap__site_glns') }}

),

epcis_movement_types as (

    select * from {{ ref('epcis_movement_types') }}

),

declarations as (

    select distinct version_id from units
    where is_error_declaration

),

placed as (

    select
        units.*,
        gtins.article_id,
        places.site_id,
        destinations.site_id as destination_site_id,
        case
            when units.destination_gln is null then 'unknown'
            when destinations.site_id is not null then 'ours'
            else 'other'
        end as partner_site,
        declarations.version_id is not null as is_withdrawn,
        greatest(units.ingested_at, gtins.ingested_at, places.ingested_at, destinations.ingested_at) as known_at
    from units
    left join gtins on units.gtin_code = gtins.gtin_code
    left join places on units.place_gln = places.gln
    left join places as destinations on units.destination_gln = destinations.gln
    left join declarations on units.version_id = declarations.version_id

)

select
    placed.*,
    -- The parent of an aggregation is what the goods are in; it is moved by events of its own.
    case
        when placed.unit_role <> 'parent' and placed.site_id is not null then coalesce(exact.movement_type, general.movement_type)
    end as movement_type
from placed
left join epcis_movement_types as exact
    on
        placed.business_step = exact.biz_step
        and placed.disposition = exact.disposition
        and exact.partner_site in ('any', placed.partner_site)
left join epcis_movement_types as general
    on
        placed.business_step = general.biz_step
        and general.disposition is null
        and general.partner_site in ('any', placed.partner_site)
