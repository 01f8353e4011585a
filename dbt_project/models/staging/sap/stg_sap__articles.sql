-- One row per article: its newest extract.
with newest as (

    {{ newest_extracts(source('sap', 'mara'), [without_leading_zeros('matnr')]) }}

),

renamed as (

    select
        {{ without_leading_zeros('matnr') }} as article_id,
        {{ without_leading_zeros('satnr') }} as generic_article_id,
        {{ without_leading_zeros('mfrnr') }} as manufacturer_id,
        {{ blank_to_null('ean11') }} as gtin_code,
        {{ blank_to_null('matkl') }} as merchandise_category_code,
        {{ blank_to_null('attyp') }} as article_category_code,
        {{ blank_to_null('color') }} as color_name,
        {{ blank_to_null('size1') }} as storage_size_name,
        coalesce(serlv = '1', false) as is_serial_unique_in_client,
        ersda as launch_date
    from newest

)

select * from renamed
