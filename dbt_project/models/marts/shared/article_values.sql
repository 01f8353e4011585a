-- One row per article, valuation area and valuation type that has a price; no valuation type: the article as a whole.
with valuations as (

    select * from {{ ref('stg_sap__valuations') }}

)

select
    article_id,
    site_id as valuation_area_id,
    upper(valuation_type) as valuation_type,
    is_standard_price,
    cast(unit_price as decimal(18, 2)) as unit_price
from valuations
where unit_price > 0
