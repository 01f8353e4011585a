-- One row per article, valuation area and valuation type that has a price; no valuation type: the article as a whole.
with article_values as (

    select * from {{ ref('stg_sap__article_values') }}

)

select
    article_id,
    valuation_area_id,
    valuation_type,
    is_standard_price,
    cast(unit_price as decimal(18, 2)) as unit_price
from article_values
where unit_price > 0
