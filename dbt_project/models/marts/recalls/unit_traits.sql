-- One row per unit, trait and value: what is known of units besides their movements.
{{ config(materialized='incremental', incremental_strategy='append', on_schema_change='fail') }}

with traits as (

    select
        article_id,
        serial_number,
        'handling_unit' as trait_code,
        {{ without_leading_zeros('handling_unit_id') }} as trait_value,
        ingested_at
    from {{ ref('stg_handheld__scans') }}
    union all
    select
        article_id,
        serial_number,
        'handling_unit' as trait_code,
        {{ without_leading_zeros('handling_unit_id') }} as trait_value,
        ingested_at
    from {{ ref('stg_wms__receipts') }}
    union all
    select
        article_id,
        serial_number,
        'handling_unit' as trait_code,
        handling_unit_id as trait_value,
        ingested_at
    from {{ ref('stg_sap__handling_unit_serials') }}
    union all
    -- A component is known by its kind, or by its article and its own serial number or lot.
    select
        parent_article_id as article_id,
        parent_serial_number as serial_number,
        'component' as trait_code,
        coalesce(
            component_name, component_article_id || '/' || coalesce(component_serial_number, component_batch_id)
        ) as trait_value,
        ingested_at
    from {{ ref('serial_components') }}
    union all
    select
        article_id,
        serial_number,
        'production_week' as trait_code,
        cast(cast(reading as bigint) as varchar) as trait_value,
        ingested_at
    from {{ ref('stg_tabular__readings') }}
    where measure_name = 'production_week'

),

told as (

    select
        article_id,
        serial_number,
        trait_code,
        trait_value,
        min(ingested_at) as ingested_at
    from traits
    where
        article_id is not null
        and serial_number is not null
        and trait_value is not null
        and ingested_at > {{ watermark() }}
    group by article_id, serial_number, trait_code, trait_value

)

select told.*
from told
{% if is_incremental() %}
left join {{ this }} as known
    on
        told.article_id = known.article_id
        and told.serial_number = known.serial_number
        and told.trait_code = known.trait_code
        and told.trait_value = known.trait_value
where known.article_id is null
{% endif %}
