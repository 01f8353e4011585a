-- One row per event of a partner and identifier of goods in it, whether or not it moves a unit of ours.
with units as (

    select * from {{ ref('int_epcis_units') }}

),

numbered as (

    select
        *,
        row_number() over (
            partition by record_hash, unit_number order by ingested_at asc, file asc, line asc nulls last
        ) as copy_number
    from units

)

select
    record_hash,
    unit_number,
    event_id,
    event_type,
    happened_at,
    is_error_declaration,
    is_withdrawn,
    action,
    business_step,
    disposition,
    place_id,
    site_id,
    destination_site_id,
    parent_id,
    unit_role,
    unit_id,
    gtin_code,
    article_id,
    serial_number,
    lot_id,
    handling_unit_id,
    cast(quantity as double) as event_quantity,
    unit_of_measure,
    movement_type,
    case
        when is_error_declaration then 'error_declaration'
        when is_withdrawn then 'withdrawn'
        when handling_unit_id is not null and site_id is not null and movement_type is not null then 'moved_with_content'
        when serial_number is null and quantity is null then 'no_serial_number'
        when article_id is null then 'unknown_article'
        when site_id is null then 'unknown_site'
        when movement_type is null then 'no_movement'
        when serial_number is null then 'moved_in_bulk'
        else 'moved'
    end as ledger_code,
    file,
    line,
    ingested_at
from numbered
where copy_number = 1
