-- One row per line of an object list: a serial number, and the table that says which document it belongs to.
{% set content = ['matnr', 'sernr', 'equnr', 'taser'] -%}
with lines as (

    {{ document_rows(source('sap', 'objk'), ['obknr', 'obzae'], content) }}

),

renamed as (

    select
        obknr as object_list_id,
        obzae as object_list_line,
        {{ without_leading_zeros('matnr') }} as article_id,
        {{ without_leading_zeros('sernr') }} as serial_number,
        {{ without_leading_zeros('equnr') }} as equipment_id,
        upper(trim(taser)) as header_table_name,
        coalesce(change_mode = 'D', false) as is_deleted,
        _file as file,
        _line as line,
        _ingested_at as ingested_at
    from lines

)

select * from renamed
