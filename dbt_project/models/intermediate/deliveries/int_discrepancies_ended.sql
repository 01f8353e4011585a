-- One row per unit and what was wrong with it, with what ended that, and where the unit was seen since.
{%- set erp_sources = ['sap', 'sap_tables', 's4', 'tryton', 'tabular'] %}

with every as (

    select * from {{ ref('int_discrepancies_in_deliveries') }}
    union all
    select * from {{ ref('int_discrepancies_in_postings') }}
    union all
    select * from {{ ref('int_discrepancies_in_transfers') }}
    union all
    select * from {{ ref('int_discrepancies_in_provisions') }}

),

-- Booked in twice under one document, it is one discrepancy.
numbered as (

    select
        *,
        kind_code in ('mistyped_serial', 'wrong_article') as is_paired,
        row_number() over (
            partition by kind_code, role_code, document_id, origin_id, to_site_id, article_id, serial_number
            order by opened_at, departed_at, resolved_at
        ) as place
    from every

),

found as (

    select * from numbered
    where place = 1

),

-- Few units are concerned; all that happened to them is looked at.
moves as (

    select
        found.kind_code,
        found.role_code,
        found.document_id as found_document_id,
        found.origin_id,
        found.to_site_id as found_to_site_id,
        found.opened_at,
        found.departed_at,
        found.lane_kind,
        moves.*,
        coalesce(moves.to_site_id, moves.from_site_id) as place_site_id,
        case
            when found.role_code = 'missing'
                then
                    moves.moved_at > found.departed_at
                    and moves.document_id <> found.document_id
                    and moves.unit_state in ('in_stock', 'blocked_receipt', 'missing', 'scrapped', 'returned_to_vendor')
            when found.role_code = 'scanned'
                then
                    moves.moved_at > {{ days_after('found.opened_at', -1 * var('posting_grace_days')) }}
                    and moves.document_id <> found.document_id
                    and (
                        {%- for source in erp_sources %}
                        {{ list_holds("replace(moves.witness_names, ',', ' ')", "'" ~ source ~ "'") }}
                        {%- if not loop.last %} or{% endif %}
                        {%- endfor %}
                    )
            when found.role_code = 'provided'
                then moves.moved_at > found.departed_at and moves.movement_type in ('541', '543')
            -- The origin posts the issue after all, which may bear the day on which the goods left; or it counts the unit
            -- out of its books; or the vendor gets it back.
            else
                (
                    moves.movement_type in ('641', '643', '351', '303')
                    and moves.from_site_id = found.origin_id
                    and moves.to_site_id = found.to_site_id
                    and coalesce(moves.delivery_id, found.document_id) = found.document_id
                    and moves.moved_at >= {{ days_after('coalesce(found.departed_at, found.opened_at)', -1) }}
                )
                or (
                    moves.movement_type in ('702', '704', '708', '711')
                    and moves.from_site_id = found.origin_id
                    and moves.moved_at > found.opened_at
                )
                or (
                    found.lane_kind = 'vendor'
                    and moves.movement_type in ('122', '161')
                    and moves.moved_at > found.opened_at
                )
        end as is_end
    from found
    inner join {{ ref('serial_movements') }} as moves
        on found.article_id = moves.article_id and found.serial_number = moves.serial_number

),

ends as (

    select
        kind_code,
        role_code,
        found_document_id,
        article_id,
        serial_number,
        min(moved_at) filter (where is_end) as moved_at,
        min_by(document_id, sequence_number) filter (where is_end) as document_id,
        min_by(movement_type, sequence_number) filter (where is_end) as movement_type,
        min_by(place_site_id, sequence_number) filter (where is_end) as site_id,
        min_by(place_site_id, sequence_number) filter (
            where moved_at > departed_at and document_id <> found_document_id
        ) as seen_site_id
    from moves
    group by kind_code, role_code, found_document_id, article_id, serial_number

)

select
    found.kind_code,
    found.role_code,
    found.lane_kind,
    found.origin_id,
    found.to_site_id,
    found.document_id,
    found.delivery_id,
    found.delivery_item,
    found.purchase_order_id,
    found.vendor_id,
    found.carrier_id,
    found.article_id,
    found.serial_number,
    found.batch_id,
    found.valuation_type,
    found.storage_location_id,
    found.departed_at,
    found.opened_at,
    ends.seen_site_id,
    coalesce(
        found.resolved_at,
        -- What bears an earlier day ends nothing before it began; what was found before it was missed was never missing.
        case
            when ends.moved_at >= found.opened_at or (found.role_code = 'missing' and not found.is_paired) then ends.moved_at
            when ends.moved_at is not null then found.opened_at
        end
    ) as resolved_at,
    coalesce(found.resolved_document_id, ends.document_id) as resolved_document_id,
    coalesce(found.resolved_movement_type, ends.movement_type) as resolved_movement_type,
    coalesce(found.resolved_site_id, ends.site_id) as resolved_site_id
from found
left join ends
    on
        found.kind_code = ends.kind_code
        and found.role_code = ends.role_code
        and found.document_id = ends.found_document_id
        and found.article_id = ends.article_id
        and found.serial_number = ends.serial_number
