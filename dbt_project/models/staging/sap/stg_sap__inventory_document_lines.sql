-- One row per line of a physical inventory document: its newest extract.
{% set content = ['matnr', 'werks', 'lgort', 'xzael', 'xdiff', 'xnull', 'buchm', 'menge', 'dmbtr'] -%}
with lines as (

    {{ document_rows(source('sap', 'iseg'), ['iblnr', 'gjahr', 'zeili'], content) }}

),

renamed as (

    select
        {{ material_document('iblnr', 'gjahr') }} as count_document_id,
        zeili as count_document_line,
        {{ without_leading_zeros('matnr') }} as article_id,
        {{ blank_to_null('werks') }} as site_id,
        {{ blank_to_null('lgort') }} as storage_location_id,
        buchm as book_quantity,
        -- Counted as nothing is counted.
        case when upper(trim(xnull)) = 'X' then 0 else menge end as counted_quantity,
        coalesce(upper(trim(xzael)) = 'X' or upper(trim(xnull)) = 'X', false) as is_counted,
        coalesce(upper(trim(xdiff)) = 'X', false) as is_difference_posted,
        coalesce(change_mode = 'D', false) as is_deleted,
        _ingested_at as ingested_at
    from lines

)

select * from renamed
