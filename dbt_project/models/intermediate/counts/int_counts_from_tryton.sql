-- One row per line of a finished inventory of Tryton: a lot of one piece is a unit, all else a quantity.
{{ config(materialized='view') }}

with lines as (

    select * from {{ ref('stg_tryton__inventory_lines') }}
    where inventory_state = 'done' and counted_date is not null

),

locations as (

    select * from {{ ref('stg_tryton__locations') }}

),

articles as (

    select * from {{ ref('stg_tryton__articles') }}

),

lots as (

    select * from {{ ref('stg_tryton__lots') }}

)

select
    'tryton' as source_name,
    lines.document_id as count_document_id,
    locations.site_id,
    locations.storage_location_id,
    articles.article_id,
    -- A lot that was expected and not found covers its article, and names no unit that was found.
    case when lines.counted_quantity > 0 then lots.serial_number end as serial_number,
    lines.counted_quantity,
    lines.expected_quantity as book_quantity,
    true as is_listing_articles,
    true as is_difference_posted,
    false as is_withdrawn,
    lines.counted_date,
    cast(null as timestamp) as counted_at,
    lines.ingested_at
from lines
inner join articles on lines.product_id = articles.product_id
inner join locations on lines.location_id = locations.location_id
left join lots on lines.lot_id = lots.lot_id
where locations.site_id is not null
