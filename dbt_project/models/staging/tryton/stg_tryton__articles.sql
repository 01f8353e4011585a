-- One row per article: its newest extract, with the name of its template.
with products as (

    select
        *,
        row_number() over (partition by id order by extracted_at desc, _ingested_at desc, _line desc) as age
    from {{ source('tryton', 'products') }}

),

templates as (

    select
        *,
        row_number() over (partition by id order by extracted_at desc, _ingested_at desc, _line desc) as age
    from {{ source('tryton', 'templates') }}

),

renamed as (

    select
        products.id as product_id,
        coalesce({{ without_leading_zeros('products.code') }}, 'TRYTON-' || cast(products.id as varchar)) as article_id,
        {{ blank_to_null('templates.name') }} as article_name
    from products
    left join templates on products.template = templates.id and templates.age = 1
    where products.age = 1 and not products.is_deleted

)

select * from renamed
