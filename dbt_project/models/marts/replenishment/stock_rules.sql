-- One row per article, site and day from which it holds.
select
    article_id,
    site_id,
    valid_from_date,
    valid_to_date,
    display_units,
    pack_units,
    capacity_units,
    asked_fill_share,
    holding_share_per_year,
    margin_share
from {{ ref('stg_planning__stock_rules') }}
