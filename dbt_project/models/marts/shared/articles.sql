-- One row per article that master data or any movement or sale names.
with masters as (

    select * from {{ ref('stg_sap__articles') }}

),

tryton_masters as (

    select
        article_id,
        max(article_name) as article_name
    from {{ ref('stg_tryton__articles') }}
    group by article_id

),

-- English where there is English, else the first language there is.
numbered_texts as (

    select
        *,
        row_number() over (
            partition by article_id order by case language_code when 'EN' then 0 when 'E' then 0 else 1 end, language_code
        ) as preference
    from {{ ref('stg_sap__article_texts') }}

),

profiled as (

    select
        article_id,
        max(serial_number_profile_code) as serial_number_profile_code
    from {{ ref('int_article_sites') }}
    group by article_id

),

named as (

    select
        article_id,
        cast(null as varchar) as article_name,
        true as has_serials
    from {{ ref('int_serial_states') }}
    union all
    select
        article_id,
        article_name,
        true as has_serials
    from {{ ref('stg_tabular__movements') }}
    union all
    select
        article_id,
        article_name,
        serial_number is not null as has_serials
    from {{ ref('int_sales_lines') }}
    union all
    select
        article_id,
        cast(null as varchar) as article_name,
        false as has_serials
    from masters
    union all
    select
        article_id,
        article_name,
        false as has_serials
    from tryton_masters

),

seen as (

    select
        article_id,
        max(article_name) as article_name,
        bool_or(has_serials) as has_serials
    from named
    where article_id is not null
    group by article_id

)

select
    seen.article_id,
    coalesce(numbered_texts.article_name, tryton_masters.article_name, seen.article_name) as article_name,
    masters.generic_article_id,
    masters.article_category_code,
    masters.merchandise_category_code,
    masters.manufacturer_id,
    masters.gtin_code,
    masters.color_name,
    masters.storage_size_name,
    profiled.serial_number_profile_code,
    seen.has_serials or profiled.serial_number_profile_code is not null as is_serialised,
    coalesce(masters.article_id, tryton_masters.article_id) is not null as has_master_data,
    masters.launch_date
from seen
left join masters on seen.article_id = masters.article_id
left join tryton_masters on seen.article_id = tryton_masters.article_id
left join numbered_texts on seen.article_id = numbered_texts.article_id and numbered_texts.preference = 1
left join profiled on seen.article_id = profiled.article_id
