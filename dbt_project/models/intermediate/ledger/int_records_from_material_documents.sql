-- One row per line of a material document, and unit in its object list, as the ERP's own tables tell it: OBJK, SER03, and MSEG or
-- MATDOC.
-- A deleted line comes without a serial number: it only tells that the movement has been taken back.
{{ config(materialized='view') }}

{%- set of_line = [
    'movement_type', 'site_id', 'storage_location_id', 'to_article_id', 'to_site_id',
    'to_storage_location_id', 'stock_type_code', 'special_stock_code', 'batch_id', 'valuation_type',
    'vendor_id', 'customer_id', 'sales_order_id', 'purchase_order_id', 'delivery_id',
    'material_document_id', 'material_document_line', 'reversed_document_id', 'reversed_document_line', 'item_text',
    'reference_id', 'posting_date', 'entered_at', 'is_made_by_system',
] %}

with document_lines as (

    select * from {{ ref('int_material_document_lines') }}

),

headers as (

    select * from {{ ref('stg_sap__serial_movement_headers') }}

),

list_lines as (

    select * from {{ ref('stg_sap__object_list_lines') }}
    -- Of a deleted line only its key is known.
    where header_table_name = 'SER03' or is_deleted

),

movement_types as (

    select * from {{ ref('movement_types') }}
    where line_role = 'main'

),

-- The three tables come in files of their own: what they say together is known since the last of them came, and by its file.
joined as (

    select
        {%- for name in of_line %}
        document_lines.{{ name }},
        {%- endfor %}
        coalesce(document_lines.article_id, list_lines.article_id) as article_id,
        list_lines.serial_number,
        list_lines.object_list_id,
        list_lines.object_list_line,
        cast(null as decimal(18, 3)) as quantity,
        false as is_bulk_record,
        document_lines.is_deleted or headers.is_deleted or list_lines.is_deleted as is_deleted,
        greatest(document_lines.ingested_at, headers.ingested_at, list_lines.ingested_at) as ingested_at,
        case greatest(document_lines.ingested_at, headers.ingested_at, list_lines.ingested_at)
            when list_lines.ingested_at then list_lines.file
            when headers.ingested_at then headers.file
            else document_lines.file
        end as file,
        case greatest(document_lines.ingested_at, headers.ingested_at, list_lines.ingested_at)
            when list_lines.ingested_at then list_lines.line
            when headers.ingested_at then headers.line
            else document_lines.line
        end as line
    from list_lines
    inner join headers on list_lines.object_list_id = headers.object_list_id
    inner join document_lines
        on
            headers.material_document_id = document_lines.material_document_id
            and headers.material_document_line = document_lines.material_document_line
    -- A line of an old release waits for its header, which has the day.
    where document_lines.posting_date is not null or document_lines.is_deleted

),

-- Lines without an object list move a quantity. A list that comes after its line says that they are units after all.
listed as (

    select
        headers.material_document_id,
        headers.material_document_line,
        max(greatest(headers.ingested_at, list_lines.ingested_at)) as listed_at
    from headers
    inner join list_lines on headers.object_list_id = list_lines.object_list_id
    group by headers.material_document_id, headers.material_document_line

),

in_bulk as (

    select
        {%- for name in of_line %}
        document_lines.{{ name }},
        {%- endfor %}
        document_lines.article_id,
        cast(null as varchar) as serial_number,
        cast(null as bigint) as object_list_id,
        cast(0 as bigint) as object_list_line,
        case when listed.listed_at is null then cast(document_lines.quantity as decimal(18, 3)) end as quantity,
        true as is_bulk_record,
        document_lines.is_deleted,
        greatest(document_lines.ingested_at, listed.listed_at) as ingested_at,
        document_lines.file,
        document_lines.line
    from document_lines
    left join listed
        on
            document_lines.material_document_id = listed.material_document_id
            and document_lines.material_document_line = listed.material_document_line
    where
        (listed.listed_at is null or listed.listed_at > document_lines.ingested_at)
        and (document_lines.posting_date is not null or document_lines.is_deleted)

),

every as (

    select * from joined
    union all
    select * from in_bulk

),

-- The second line of a transfer, which the system makes, says the same from the other end; a consumption that it makes beside a
-- receipt (543) is a movement of its own.
told as (

    select
        every.*,
        movement_types.witness_group,
        -- A return delivery and a release from blocked stock name the document they follow, too, and take nothing back.
        coalesce(movement_types.is_reversal, false) as is_reversal
    from every
    left join movement_types on every.movement_type = movement_types.movement_type
    where
        not (
            every.is_made_by_system
            and (coalesce(movement_types.direction, '') = 'transfer' or every.movement_type in ('309', '310'))
        )

),

-- A transfer between articles is one line here, and two in the ledger.
with_roles as (

    select
        *,
        'main' as line_role,
        article_id as line_article_id
    from told
    union all
    select
        *,
        'counter' as line_role,
        to_article_id as line_article_id
    from told
    where is_deleted or (movement_type in ('309', '310') and to_article_id is not null)

)

select
    'sap_tables' as source_name,
    0 as source_priority,
    material_document_id
    || '/'
    || lpad(cast(material_document_line as varchar), 4, '0')
    || '/'
    || lpad(cast(object_list_line as varchar), 6, '0')
    || '/'
    || line_role as record_id,
    case
        when is_bulk_record then material_document_id || '/' || cast(material_document_line as varchar) || '/' || line_role
        else cast(object_list_id as varchar) || '/' || cast(object_list_line as varchar) || '/' || line_role
    end as version_id,
    entered_at as record_created_at,
    movement_type,
    line_role,
    case
        -- A goods issue for a delivery is known by the delivery, which tells of it itself.
        when movement_type in ('601', '641', '643', '645', '647') and delivery_id is not null then delivery_id
        -- A sale is known by the receipt of the till, where the posting names it.
        when witness_group in ('sale', 'return') and item_text like '%-%-________-%' then item_text
        else coalesce(reference_id, material_document_id)
    end as document_id,
    lpad(cast(material_document_line as varchar), 4, '0') as document_item,
    case when not is_deleted then line_article_id end as article_id,
    case when not is_deleted then serial_number end as serial_number,
    posting_date as movement_date,
    case when cast(entered_at as date) = posting_date then entered_at end as moved_at,
    site_id,
    storage_location_id,
    to_site_id,
    to_storage_location_id,
    stock_type_code,
    special_stock_code,
    batch_id,
    coalesce(valuation_type, batch_id) as valuation_type,
    vendor_id,
    customer_id,
    sales_order_id,
    purchase_order_id,
    delivery_id,
    material_document_id,
    case when is_reversal then reversed_document_id end as reverses_document_id,
    case when is_reversal then lpad(cast(reversed_document_line as varchar), 4, '0') end as reverses_document_item,
    case when not is_deleted then quantity end as quantity,
    cast(null as varchar) as unit_of_measure,
    not is_bulk_record as is_unit_record,
    is_bulk_record,
    file,
    line,
    ingested_at
from with_roles
