-- One row per item and unit of each delivery as its newest version has it; deleted deliveries have none.
{{ config(materialized='view') }}

with records as (

    select * from {{ ref('stg_sap__deliveries') }}

),

-- A delivery sent again, or changed, comes whole in one file: the newest is the delivery.
numbered as (

    select
        *,
        dense_rank() over (
            partition by delivery_id order by record_created_at desc nulls last, ingested_at desc, file desc
        ) as version_age
    from records

)

select * from numbered
where version_age = 1 and not is_deleted
