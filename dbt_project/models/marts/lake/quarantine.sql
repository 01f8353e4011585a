-- One row per refused record: not readable at extraction, or not usable for the ledger.
with refused as (

    select * from {{ ref('stg_lake__refused_records') }}

),

without_serial as (

    select * from {{ ref('int_lines_without_serial') }}

),

in_unknown_units as (

    select * from {{ ref('int_lines_in_unknown_units') }}

)

select
    'extract' as stage_name,
    load_id,
    file,
    line,
    table_name,
    segment_name,
    field_name,
    reason_code,
    reason,
    raw_record,
    ingested_at
from refused
union all
select
    'ledger' as stage_name,
    cast(null as varchar) as load_id,
    file,
    line,
    table_name,
    cast(null as varchar) as segment_name,
    field as field_name,
    'serial_missing' as reason_code,
    'Document ' || document_id || ' moves article ' || article_id || ' at site ' || site_id
    || ' without a serial number, which serial number profile ' || serial_number_profile_code
    || ' demands; read the serial and post again.' as reason,
    cast(null as varchar) as raw_record,
    ingested_at
from without_serial
union all
select
    'ledger' as stage_name,
    cast(null as varchar) as load_id,
    file,
    line,
    table_name,
    cast(null as varchar) as segment_name,
    cast(null as varchar) as field_name,
    'unit_unknown' as reason_code,
    'Document ' || document_id || ' moves article ' || article_id || ' in unit ' || entered_unit
    || ', which MARM does not explain; deliver its conversion, and the line counts.' as reason,
    cast(null as varchar) as raw_record,
    ingested_at
from in_unknown_units
