-- One row per record refused at extraction.
with quarantine as (

    select * from {{ source('lake', 'quarantine') }}

),

renamed as (

    select
        _load_id as load_id,
        _file as file,
        line,
        table_name,
        segment as segment_name,
        field as field_name,
        reason_code,
        reason,
        raw_record,
        _ingested_at as ingested_at
    from quarantine

)

select * from renamed
