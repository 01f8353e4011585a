-- One row per document line without serial numbers, as the source of the highest precedence tells it, in the article's base unit.
{{ config(materialized='incremental', incremental_strategy='replace_documents', on_schema_change='fail') }}

with records as (

    select * from {{ ref('int_bulk_records') }}
    {%- if is_incremental() %}
    where
        document_hash in (
            {{ changed_bulk_documents() }}
        )
    {%- endif %}

),

newest_versions as (

    {{ newest_versions('records') }}

),

-- What came again is told once; of an older version of a document nothing holds.
newest as (

    select
        records.*,
        row_number() over (
            partition by records.source_name, records.record_id
            order by
                records.record_created_at desc nulls last, records.ingested_at desc, records.file desc, records.line desc
        ) as age
    from records
    left join newest_versions on records.version_hash = newest_versions.version_hash
    where newest_versions.version_hash is null or records.file = newest_versions.newest_file

),

sales_told as (

    select distinct
        article_id,
        site_id,
        movement_date
    from {{ sales_told() }}
    where
        article_id in (select totals.article_id from records as totals where totals.source_name = 'pos_totals')

),

article_units as (

    select * from {{ ref('stg_sap__article_units') }}

),

measured as (

    select
        newest.*,
        cast(
            newest.entered_quantity * coalesce(article_units.numerator, 1) / coalesce(article_units.denominator, 1)
            as decimal(18, 3)
        ) as line_quantity,
        greatest(newest.ingested_at, article_units.ingested_at) as measured_at
    from newest
    left join article_units
        on newest.article_id = article_units.article_id and newest.entered_unit = article_units.unit_of_measure
    -- A till's totals say once more what its receipts, or the ERP's postings of them, say line by line.
    left join sales_told
        on
            newest.source_name = 'pos_totals'
            and newest.article_id = sales_told.article_id
            and newest.site_id = sales_told.site_id
            and newest.movement_date = sales_told.movement_date
    -- In a unit of measure that master data do not explain, a line waits.
    where
        newest.age = 1
        and newest.entered_quantity <> 0
        and newest.article_id is not null
        and sales_told.article_id is null
        and (newest.entered_unit is null or newest.entered_unit in ({{ pieces() }}) or article_units.article_id is not null)

),

-- Of several sources that tell of an article in one document, one speaks for all its lines; what it leaves blank, others fill.
witnessed as (

    select
        *,
        dense_rank() over (partition by document_hash, article_id order by source_priority, source_name) as precedence,
        {%- for column in ['storage_location_id', 'vendor_id', 'customer_id', 'purchase_order_id', 'delivery_id'] %}
        coalesce({{ column }}, max({{ column }}) over (partition by document_hash, article_id)) as known_{{ column }},
        {%- endfor %}
        min(moved_at) over (partition by document_hash, article_id) as known_moved_at,
        max(measured_at) over (partition by document_hash, article_id) as newest_measured_at
    from measured

),

-- Goods that a transport order put on their way wait at the receiving site, until a receipt for it takes them in.
under_way as (

    select
        issues.article_id,
        issues.delivery_id,
        issues.purchase_order_id,
        issues.to_site_id
    from {{ ref('int_bulk_records') }} as issues
    inner join {{ ref('movement_types') }} as movement_types
        on issues.movement_type = movement_types.movement_type and issues.line_role = movement_types.line_role
    where
        movement_types.stock_type_to = '06'
        and issues.entered_quantity <> 0
        and issues.article_id in (select received.article_id from measured as received)

),

delivered as (

    select
        article_id,
        delivery_id,
        max(to_site_id) as to_site_id
    from under_way
    group by article_id, delivery_id

),

ordered as (

    select
        article_id,
        purchase_order_id,
        max(to_site_id) as to_site_id
    from under_way
    group by article_id, purchase_order_id

),

witnesses as (

    select
        document_hash,
        article_id,
        count(distinct source_name) as witness_count,
        {{ joined_text('source_name', 'source_name') }} as witness_names
    from measured
    group by document_hash, article_id

)

select
    witnessed.document_hash,
    witnessed.document_id,
    witnessed.document_item,
    witnessed.record_id,
    witnessed.line_role,
    witnessed.movement_type,
    witnessed.article_id,
    witnessed.site_id,
    witnessed.known_storage_location_id as storage_location_id,
    witnessed.to_site_id,
    witnessed.to_storage_location_id,
    witnessed.stock_type_code,
    witnessed.special_stock_code,
    witnessed.batch_id,
    witnessed.valuation_type,
    witnessed.known_vendor_id as vendor_id,
    witnessed.known_customer_id as customer_id,
    witnessed.sales_order_id,
    witnessed.known_purchase_order_id as purchase_order_id,
    witnessed.known_delivery_id as delivery_id,
    witnessed.reverses_document_id,
    case
        when witnessed.movement_type in ('101', '102') then coalesce(delivered.to_site_id, ordered.to_site_id)
    end as transit_site_id,
    witnessed.line_quantity,
    witnessed.entered_quantity,
    witnessed.entered_unit,
    witnessed.movement_date as posting_date,
    witnessed.known_moved_at,
    cast(witnesses.witness_count as integer) as witness_count,
    witnesses.witness_names,
    witnessed.file,
    witnessed.line,
    witnessed.newest_measured_at as ingested_at
from witnessed
inner join witnesses on witnessed.document_hash = witnesses.document_hash and witnessed.article_id = witnesses.article_id
left join delivered
    on witnessed.article_id = delivered.article_id and witnessed.known_delivery_id = delivered.delivery_id
left join ordered
    on witnessed.article_id = ordered.article_id and witnessed.known_purchase_order_id = ordered.purchase_order_id
where witnessed.precedence = 1
