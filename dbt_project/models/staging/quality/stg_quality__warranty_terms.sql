-- One row per article and first day of its terms, as delivered last.
with terms as (

    select * from {{ source('quality', 'warranty_terms') }}

),

renamed as (

    select
        {{ without_leading_zeros('article') }} as article_id,
        term_months,
        repair_term_days,
        valid_from as valid_from_date,
        row_number() over (
            partition by {{ without_leading_zeros('article') }}, valid_from order by _ingested_at desc, _file desc, _line desc
        ) as age
    from terms

)

select
    article_id,
    term_months,
    repair_term_days,
    valid_from_date
from renamed
where age = 1
