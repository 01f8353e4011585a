-- One row per article of a till's upload of totals.
with sales_totals as (

    select * from {{ source('pos', 'sales_totals') }}

),

-- An IDoc without a number is known by its place in the delivered file.
documents_named as (

    select
        *,
        coalesce(docnum, _load_id || coalesce('-' || cast(idoc_ordinal as varchar), '')) as document_name
    from sales_totals

),

renamed as (

    select
        sndprn || '/' || docnum as idoc_id,
        sndprn || '/' || document_name as document_id,
        lpad(cast(posnr as varchar), 4, '0') as document_item,
        trim(sndprn) as site_id,
        coalesce(qualartnr, '') as article_qualifier,
        {{ without_leading_zeros('artnr') }} as article_id,
        -- What the sign means differs between tills: see the variable.
        coalesce(trim(vorzmenge), '') not in ('', '{{ var("sales_totals_sale_sign") }}') as is_return,
        umsmenge as quantity,
        coalesce(vorgdatum, credat) as sold_date,
        {{ moment('credat', 'cretim') }} as record_created_at,
        _file as file,
        _line as line,
        _ingested_at as ingested_at
    from documents_named

)

select * from renamed
