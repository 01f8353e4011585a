-- One row per global trade item number: the article it stands for, and since when that is known here.
with mara as (

    select * from {{ source('sap', 'mara') }}

),

renamed as (

    select
        {{ without_leading_zeros('matnr') }} as article_id,
        {{ without_leading_zeros('ean11') }} as gtin_code,
        _ingested_at as ingested_at
    from mara
    where {{ blank_to_null('ean11') }} is not null

)

select
    gtin_code,
    -- A number given to two articles is one article's only; which one must not depend on the order of deliveries.
    min(article_id) as article_id,
    min(ingested_at) as ingested_at
from renamed
group by gtin_code
