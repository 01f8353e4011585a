-- One row per physical inventory document: its newest extract.
with headers as (

    {{ document_rows(source('sap', 'ikpf'), ['iblnr', 'gjahr'], ['werks', 'lgort', 'gidat', 'zldat', 'budat']) }}

),

renamed as (

    select
        {{ material_document('iblnr', 'gjahr') }} as count_document_id,
        trim(werks) as site_id,
        {{ blank_to_null('lgort') }} as storage_location_id,
        coalesce(zldat, gidat, budat) as counted_date,
        coalesce(change_mode = 'D', false) as is_deleted,
        _ingested_at as ingested_at
    from headers

)

select * from renamed
