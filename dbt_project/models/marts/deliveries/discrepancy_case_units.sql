-- One row per case and unit, or bulk article, that it is about.
{%- set columns = [
    'kind_code', 'role_code', 'lane_kind', 'origin_id', 'to_site_id', 'document_id', 'delivery_id', 'purchase_order_id',
    'vendor_id', 'carrier_id', 'article_id', 'departed_at', 'opened_at',
] %}
{#- What only a unit with a serial number has. -#}
{%- set unit_columns = [
    'serial_number', 'delivery_item', 'batch_id', 'valuation_type', 'storage_location_id', 'seen_site_id', 'resolved_at',
    'resolved_document_id', 'resolved_movement_type', 'resolved_site_id',
] %}

with units as (

    select
        *,
        cast(1 as decimal(18, 3)) as quantity
    from {{ ref('int_discrepancies_ended') }}

),

bulk as (

    select * from {{ ref('int_discrepancies_in_bulk') }}

),

every as (

    {% for relation in ['units', 'bulk'] %}
    select
        {%- for column in columns %}
        {{ column }},
        {%- endfor %}
        {%- for column in unit_columns %}
        {{ column if relation == 'units' else 'null' }} as {{ column }},
        {%- endfor %}
        quantity
    from {{ relation }}
    {% if not loop.last %}union all{% endif %}
    {% endfor %}

),

ledger as (

    -- A date beyond the delivery of its record is an error, and must not make everything late.
    select least(max(moved_at), max(ingested_at)) as as_of_at from {{ ref('serial_movements') }}

),

-- Where a site books receipts in most often.
locations as (

    select
        site_id,
        mode(storage_location_id) as storage_location_id
    from {{ ref('int_unit_receipts') }}
    group by site_id

),

-- What was found before it was missed is no case, unless a count found it: then nobody had booked it in.
opened as (

    select
        every.*,
        case
            when every.role_code = 'missing' and every.resolved_at < every.opened_at then every.resolved_at
            else every.opened_at
        end as shown_at,
        cast(ledger.as_of_at as date) as as_of_date
    from every
    cross join ledger
    where
        least(every.opened_at, coalesce(every.resolved_at, every.opened_at)) <= ledger.as_of_at
        and (every.opened_at <= ledger.as_of_at or every.resolved_at is not null)
        and (
            every.resolved_at is null
            or every.resolved_at > every.opened_at
            or every.role_code <> 'missing'
            or every.kind_code in ('mistyped_serial', 'wrong_article')
            or every.resolved_movement_type in ('701', '703', '707', '712')
        )

)

select
    -- A delivery whose goods arrive in part stays the case that it was.
    'SW' || upper(substr(md5(concat_ws(
        '|',
        case when opened.kind_code in ('not_received', 'short') then 'missing' else opened.kind_code end,
        opened.document_id,
        coalesce(opened.origin_id, ''),
        coalesce(opened.to_site_id, '')
    )), 1, 12)) as case_id,
    opened.article_id,
    coalesce(opened.serial_number, '') as serial_number,
    opened.kind_code,
    opened.role_code,
    case
        when opened.kind_code = 'mistyped_serial' then 'recount'
        when opened.kind_code in ('no_goods_issue', 'issue_missing') then 'post_issue'
        when opened.kind_code = 'provision_missing' then 'provide_to_vendor'
        when opened.kind_code in ('receipt_not_posted', 'placement_missing') then 'receive_late'
        when opened.role_code = 'surplus' and opened.lane_kind = 'vendor' then 'accept_over'
        when opened.role_code = 'surplus' then 'post_issue'
        when opened.seen_site_id = opened.to_site_id then 'receive_late'
        when opened.kind_code = 'not_received' or opened.lane_kind = 'vendor' then 'claim'
        else 'receive_and_push_back'
    end as action_code,
    opened.lane_kind,
    opened.origin_id,
    opened.to_site_id,
    opened.document_id,
    opened.delivery_id,
    opened.delivery_item,
    opened.purchase_order_id,
    opened.vendor_id,
    opened.carrier_id,
    cast(opened.quantity as decimal(18, 3)) as unit_quantity,
    opened.batch_id,
    opened.valuation_type,
    coalesce(opened.storage_location_id, locations.storage_location_id) as storage_location_id,
    origins.storage_location_id as origin_storage_location_id,
    opened.seen_site_id,
    opened.departed_at,
    case
        when opened.role_code = 'scanned'
            then cast({{ days_after('opened.opened_at', -1 * var('posting_grace_days')) }} as date)
    end as scanned_date,
    opened.shown_at as opened_at,
    opened.resolved_at,
    opened.resolved_document_id,
    opened.resolved_movement_type,
    opened.resolved_site_id,
    opened.as_of_date
from opened
left join locations on opened.to_site_id = locations.site_id
left join locations as origins on opened.origin_id = origins.site_id
