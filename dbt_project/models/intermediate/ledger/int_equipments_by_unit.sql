-- One row per unit that has an equipment master; of several masters the highest number speaks.
with equipments as (

    select * from {{ ref('stg_sap__equipments') }}

),

numbered as (

    select
        *,
        row_number() over (
            partition by article_id, serial_number order by length(equipment_id) desc, equipment_id desc
        ) as preference
    from equipments

)

select
    article_id,
    serial_number,
    equipment_id,
    equipment_category_code,
    master_batch_id,
    warranty_end_date
from numbered
where preference = 1
