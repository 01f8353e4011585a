-- One row per delivered file.
with manifest as (

    select * from {{ source('lake', 'manifest') }}

),

renamed as (

    select
        _load_id as load_id,
        file,
        content_sha256,
        status as status_name,
        duplicate_of as duplicate_of_load_id,
        tables as table_names,
        bytes,
        records_in,
        records_accepted,
        records_quarantined,
        modified_at,
        ingested_at
    from manifest

)

select * from renamed
