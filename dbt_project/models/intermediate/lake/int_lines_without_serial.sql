-- One row per line without a serial number where the site's serial number profile demands one.
with profiles as (

    select * from {{ ref('int_serial_profiles_trusted') }}
    where goods_movement_usage_code = '03'

),

demanded as (

    select
        article_sites.article_id,
        article_sites.site_id,
        article_sites.serial_number_profile_code
    from {{ ref('int_article_sites') }} as article_sites
    inner join profiles on article_sites.serial_number_profile_code = profiles.serial_number_profile_code

),

sites as (

    select * from {{ ref('sites') }}

),

lines as (

    select
        'sap/goods_movements' as table_name,
        'serialno' as field,
        article_id,
        site_id,
        movement_date,
        document_id,
        file,
        line,
        ingested_at
    from {{ ref('stg_sap__goods_movements') }}
    where serial_number is null
    union all
    select
        'pos/receipts' as table_name,
        'seriennr' as field,
        article_id,
        site_id,
        sold_date as movement_date,
        receipt_id as document_id,
        file,
        line,
        ingested_at
    from {{ ref('int_receipt_lines') }}
    where serial_number is null
    union all
    select
        'wms/receipts' as table_name,
        'serial_number' as field,
        article_id,
        site_id,
        cast(received_at as date) as movement_date,
        document_id,
        file,
        line,
        ingested_at
    from {{ ref('stg_wms__receipts') }}
    where serial_number is null

)

select
    lines.*,
    demanded.serial_number_profile_code
from lines
inner join demanded on lines.article_id = demanded.article_id and lines.site_id = demanded.site_id
inner join sites on lines.site_id = sites.site_id
-- Before a site works with serials, lines in bulk are what it has.
where lines.movement_date >= sites.serial_go_live_date
