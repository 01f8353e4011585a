-- One row per article and alternative unit of measure, and since when its conversion is known here.
{%- set content = ['umrez', 'umren'] %}

with marm as (

    {{ document_rows(source('sap', 'marm'), ['matnr', 'meinh'], content) }}

)

select
    {{ without_leading_zeros('matnr') }} as article_id,
    upper(trim(meinh)) as unit_of_measure,
    umrez as numerator,
    umren as denominator,
    _ingested_at as ingested_at
from marm
where umrez > 0 and umren > 0
