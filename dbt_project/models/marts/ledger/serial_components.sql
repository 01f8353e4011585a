-- One row per unit, component and time that the component was built into it.
with told as (

    select
        *,
        coalesce(component_serial_number, parent_article_id || '/' || parent_serial_number || '/' || component_batch_id)
            as component_key
    from {{ ref('int_components_told_by_partners') }}

),

-- Copies of an event are one.
events as (

    select
        document_id,
        parent_article_id,
        parent_serial_number,
        component_article_id,
        component_serial_number,
        component_batch_id,
        component_key,
        is_removal,
        happened_at,
        max(file) as file,
        max(line) as line,
        max(ingested_at) as ingested_at
    from told
    group by all

),

bounded as (

    select
        *,
        lead(happened_at) over (
            partition by component_article_id, component_key order by happened_at asc, is_removal desc, document_id asc
        ) as next_at
    from events

),

from_partners as (

    select
        parent_article_id,
        parent_serial_number,
        component_article_id,
        component_serial_number,
        component_batch_id,
        cast(null as varchar) as component_name,
        'epcis' as source_name,
        document_id,
        happened_at as installed_from_at,
        next_at as installed_to_at,
        file,
        line,
        ingested_at
    from bounded
    where not is_removal

),

equipments as (

    select * from {{ ref('stg_sap__equipments') }}
    where serial_number is not null

),

from_equipments as (

    select
        superiors.article_id as parent_article_id,
        superiors.serial_number as parent_serial_number,
        equipments.article_id as component_article_id,
        equipments.serial_number as component_serial_number,
        cast(null as varchar) as component_batch_id,
        cast(null as varchar) as component_name,
        'sap_tables' as source_name,
        periods.equipment_id as document_id,
        cast(periods.valid_from_date as timestamp) as installed_from_at,
        case
            when periods.valid_to_date < date '9999-12-31' then cast(periods.valid_to_date + 1 as timestamp)
        end as installed_to_at,
        periods.file,
        periods.line,
        periods.ingested_at
    from {{ ref('stg_sap__equipment_periods') }} as periods
    inner join equipments on periods.equipment_id = equipments.equipment_id
    inner join equipments as superiors on periods.superior_equipment_id = superiors.equipment_id

),

-- The newest report of a repair order speaks; it names the component, and not which one was put in.
repairs as (

    select
        *,
        row_number() over (partition by repair_order_id order by ingested_at desc, file desc, line desc) as age
    from {{ ref('stg_repair_vendor__repair_orders') }}

),

from_repairs as (

    select
        article_id as parent_article_id,
        serial_number as parent_serial_number,
        cast(null as varchar) as component_article_id,
        cast(null as varchar) as component_serial_number,
        cast(null as varchar) as component_batch_id,
        component_name,
        'repair_vendor' as source_name,
        repair_order_id as document_id,
        cast(returned_date as timestamp) as installed_from_at,
        cast(null as timestamp) as installed_to_at,
        file,
        line,
        ingested_at
    from repairs
    where age = 1 and outcome_code in ('repaired', 'exchanged') and component_name is not null and serial_number is not null

),

every as (

    select * from from_partners
    union all
    select * from from_equipments
    union all
    select * from from_repairs

)

select
    parent_article_id,
    parent_serial_number,
    component_article_id,
    component_serial_number,
    component_batch_id,
    component_name,
    source_name,
    document_id,
    installed_to_at is null as is_installed,
    installed_from_at,
    coalesce(installed_to_at, timestamp '9999-12-31 00:00:00') as installed_to_at,
    file,
    line,
    ingested_at
from every
where parent_article_id is not null and parent_serial_number is not null
