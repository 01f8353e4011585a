-- One row per delivery and unit that its newest version names; one without a unit where it names none, or is deleted.
{{ config(materialized='incremental', incremental_strategy='delete+insert', unique_key='delivery_id', on_schema_change='fail') }}

with records as (

    select * from {{ ref('stg_sap__deliveries') }}
    {%- if is_incremental() %}
    where
        delivery_id in (
            select renewed.delivery_id from {{ ref('stg_sap__deliveries') }} as renewed
            where renewed.ingested_at > {{ watermark() }}
        )
    {%- endif %}

),

-- A delivery sent again, or changed, comes whole in one file: the newest is the delivery.
numbered as (

    select
        *,
        dense_rank() over (
            partition by delivery_id order by record_created_at desc nulls last, ingested_at desc, file desc
        ) as version_age,
        max(ingested_at) over (partition by delivery_id) as delivery_ingested_at
    from records

),

newest as (

    select
        *,
        case when not is_deleted then serial_number end as unit_serial_number
    from numbered
    where version_age = 1

)

select
    delivery_id,
    case when unit_serial_number is not null then article_id end as article_id,
    unit_serial_number as serial_number,
    min(delivery_item) as delivery_item,
    max(batch_id) as batch_id,
    max(delivery_ingested_at) as ingested_at
from newest
group by delivery_id, case when unit_serial_number is not null then article_id end, unit_serial_number
