-- One row per material document of ECC: its header.
{% set content = ['budat', 'cpudt', 'cputm', 'xblnr'] -%}
with headers as (

    {{ document_rows(source('sap', 'mkpf'), ['mblnr', 'mjahr'], content) }}

),

renamed as (

    select
        {{ material_document('mblnr', 'mjahr') }} as material_document_id,
        {{ blank_to_null('xblnr') }} as reference_id,
        budat as posting_date,
        {{ moment('cpudt', "replace(cputm, ':', '')") }} as entered_at,
        coalesce(change_mode = 'D', false) as is_deleted,
        _file as file,
        _line as line,
        _ingested_at as ingested_at
    from headers

)

select * from renamed
