-- One row per reading, as delivered.
with readings as (

    select * from {{ source('tabular', 'readings') }}

),

renamed as (

    select
        {{ without_leading_zeros('article_id') }} as article_id,
        {{ without_leading_zeros('serial_number') }} as serial_number,
        lower(trim(measure)) as measure_name,
        reading,
        read_at,
        _ingested_at as ingested_at
    from readings

)

select * from renamed
