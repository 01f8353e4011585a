-- One row per count or delivery, unit, and what is wrong with it: the first cause that applies.
with
-- What the ledger knew of a scanned unit right before the scan; a receipt is itself a movement, under the same document.
before_scan as (

    select
        scans.scan_id,
        moves.unit_state,
        moves.to_site_id as site_id,
        moves.to_storage_location_id as storage_location_id,
        moves.document_id
    from judged_scans as scans
    inner join book_movements as moves
        on scans.article_id = moves.article_id and scans.serial_number = moves.serial_number
    where
        moves.moved_at <= scans.scanned_at
        and (scans.action = 'count' or moves.document_id <> scans.document_id)
    qualify row_number() over (partition by scans.scan_id order by moves.sequence_number desc) = 1

),

-- A serial number that belongs to another article was read with the wrong one.
other_articles as (

    select
        scans.scan_id,
        min(moves.article_id) as article_id
    from judged_scans as scans
    inner join book_movements as moves
        on scans.serial_number = moves.serial_number and scans.article_id <> moves.article_id
    group by scans.scan_id

),

scans as (

    select
        judged_scans.*,
        case when judged_scans.action = 'count' then 'count' else 'goods_receipt' end as kind_code,
        case
            when judged_scans.action = 'count' then judged_scans.count_document_id
            else coalesce(judged_scans.delivery_id, judged_scans.document_id)
        end as case_id,
        before_scan.scan_id is not null as is_known,
        other_articles.article_id as other_article_id,
        before_scan.unit_state as book_unit_state,
        before_scan.site_id as book_site_id,
        before_scan.storage_location_id as book_storage_location_id,
        before_scan.document_id as book_document_id
    from judged_scans
    left join before_scan on judged_scans.scan_id = before_scan.scan_id
    left join other_articles on judged_scans.scan_id = other_articles.scan_id
    where judged_scans.serial_number is not null

),

deliveries as (

    select
        delivery_id,
        max(delivery_type) as delivery_type,
        max(ship_to_id) as ship_to_id,
        max(from_site_id) as from_site_id
    from announced_units
    group by delivery_id

),

-- A delivery names the units of an article, or only how many.
named_articles as (

    select
        delivery_id,
        article_id
    from announced_units
    where serial_number is not null
    group by delivery_id, article_id

),

judged as (

    select
        scans.*,
        deliveries.from_site_id as sent_from_site_id,
        deliveries.ship_to_id,
        case
            when scans.kind_code = 'count'
                then
                    case
                        when not scans.is_known and scans.other_article_id is not null then 'wrong_article'
                        when not scans.is_known then 'unknown_serial'
                        when scans.book_unit_state = 'with_customer' then 'already_sold'
                        when scans.book_unit_state = 'in_transit' then 'not_received'
                        when scans.book_unit_state = 'with_vendor' then 'with_vendor'
                        when scans.book_unit_state <> 'in_stock' then 'not_in_stock'
                        when coalesce(scans.book_site_id, '') <> scans.site_id then 'wrong_site'
                        when
                            scans.book_storage_location_id <> scans.storage_location_id
                            then 'wrong_storage_location'
                    end
            when scans.delivery_id is not null and deliveries.delivery_id is null then 'not_announced'
            when deliveries.ship_to_id <> scans.site_id then 'wrong_site'
            when not scans.is_known and scans.other_article_id is not null then 'wrong_article'
            when scans.book_unit_state = 'with_customer' and coalesce(deliveries.delivery_type, '') not in ('LR', 'RE')
                then 'already_sold'
            when scans.book_unit_state = 'in_stock' and scans.book_site_id = scans.site_id then 'received_twice'
            when scans.book_unit_state = 'in_stock' then 'not_transferred'
            when named_articles.delivery_id is not null and announced_units.serial_number is null then 'overage'
            when not scans.is_known and deliveries.delivery_type in ('NL', 'NLCC') then 'unknown_serial'
        end as cause_code
    from scans
    left join deliveries on scans.delivery_id = deliveries.delivery_id
    left join named_articles on scans.delivery_id = named_articles.delivery_id and scans.article_id = named_articles.article_id
    left join announced_units
        on
            scans.delivery_id = announced_units.delivery_id
            and scans.article_id = announced_units.article_id
            and scans.serial_number = announced_units.serial_number

),

-- A count of a place is held against what the book has there, of the articles that it found any of.
counted_places as (

    select
        count_document_id as case_id,
        site_id,
        storage_location_id,
        article_id,
        min(scanned_at) as began_at,
        max(scanned_at) as scanned_at,
        max_by(file, scanned_at) as file,
        max(ingested_at) as ingested_at
    from judged_scans
    where action = 'count' and count_document_id is not null
    group by count_document_id, site_id, storage_location_id, article_id

),

missing_in_counts as (

    select
        'count' as kind_code,
        counted_places.*,
        book_units.serial_number,
        book_units.unit_state as book_unit_state,
        book_units.site_id as book_site_id,
        book_units.storage_location_id as book_storage_location_id,
        book_units.last_document_id as book_document_id
    from counted_places
    inner join book_units
        on
            counted_places.article_id = book_units.article_id
            and counted_places.site_id = book_units.site_id
            and counted_places.storage_location_id = book_units.storage_location_id
    where
        book_units.unit_state = 'in_stock'
        -- What came after the count had begun need not have been there.
        and book_units.last_moved_at < counted_places.began_at
        and (counted_places.case_id, book_units.article_id, book_units.serial_number) not in (
            select
                found.count_document_id,
                found.article_id,
                found.serial_number
            from judged_scans as found
            where found.action = 'count' and found.count_document_id is not null and found.serial_number is not null
        )

),

receipts as (

    select
        delivery_id as case_id,
        max(site_id) as site_id,
        max(storage_location_id) as storage_location_id,
        max(scanned_at) as scanned_at,
        max_by(file, scanned_at) as file,
        max(ingested_at) as ingested_at
    from judged_scans
    where action = 'receive' and delivery_id is not null
    group by delivery_id

),

last_moves as (

    select * from book_movements
    qualify row_number() over (partition by article_id, serial_number order by sequence_number desc) = 1

),

-- Of a delivery that is being received, what it announced and nobody has received yet.
missing_in_receipts as (

    select
        'goods_receipt' as kind_code,
        receipts.*,
        announced_units.article_id,
        announced_units.serial_number,
        last_moves.unit_state as book_unit_state,
        last_moves.to_site_id as book_site_id,
        last_moves.to_storage_location_id as book_storage_location_id,
        last_moves.document_id as book_document_id
    from receipts
    inner join announced_units on receipts.case_id = announced_units.delivery_id and announced_units.serial_number is not null
    left join last_moves
        on announced_units.article_id = last_moves.article_id and announced_units.serial_number = last_moves.serial_number
    where (announced_units.delivery_id, announced_units.article_id, announced_units.serial_number) not in (
        select
            received.delivery_id,
            received.article_id,
            received.serial_number
        from book_movements as received
        where received.movement_type in ('101', '103', '107') and received.delivery_id is not null
        union all
        select
            scanned.delivery_id,
            scanned.article_id,
            scanned.serial_number
        from judged_scans as scanned
        where scanned.action = 'receive' and scanned.delivery_id is not null and scanned.serial_number is not null
    )

),

every as (

    select
        kind_code,
        case_id,
        site_id,
        storage_location_id,
        article_id,
        serial_number,
        cause_code,
        other_article_id,
        ship_to_id,
        book_unit_state,
        book_site_id,
        book_storage_location_id,
        book_document_id,
        scanned_at,
        file,
        ingested_at
    from judged
    where cause_code is not null
    union all by name
    select
        *,
        'short' as cause_code
    from missing_in_counts
    union all by name
    select
        *,
        'short' as cause_code
    from missing_in_receipts

),

told as (

    select
        *,
        case book_unit_state
            when 'in_stock'
                then 'in stock at ' || coalesce(book_site_id, '?') || coalesce('/' || book_storage_location_id, '')
            when 'in_transit' then 'on its way' || coalesce(' to ' || book_site_id, '')
            when 'with_customer' then 'with a customer'
            when 'with_vendor' then 'with a vendor'
            else coalesce(replace(book_unit_state, '_', ' '), 'unknown')
        end as book_text
    from every

)

select
    kind_code,
    coalesce(case_id, '') as document_id,
    site_id,
    storage_location_id,
    article_id,
    serial_number,
    cause_code,
    case
        when cause_code = 'unknown_serial' then 'No source has ever told of this unit; check what was scanned.'
        when cause_code = 'wrong_article'
            then 'The serial number belongs to article ' || other_article_id || '; the label or the scan is wrong.'
        when cause_code = 'already_sold'
            then 'The book has it with a customer; was it returned without a receipt, or sold under another serial number?'
        when cause_code = 'not_received'
            then 'The book has it ' || book_text || ' by document ' || book_document_id || '; its receipt was not posted.'
        when cause_code = 'with_vendor'
            then 'The book has it with a vendor by document ' || book_document_id || '; its return was not posted.'
        when cause_code = 'not_in_stock'
            then 'The book has it as ' || book_text || ' by document ' || book_document_id || '.'
        when cause_code = 'wrong_site' and kind_code = 'count'
            then 'The book has it ' || book_text || '; it moved without a posting.'
        when cause_code = 'wrong_site'
            then 'The delivery goes to ' || ship_to_id || ', and was received at ' || site_id || '.'
        when cause_code = 'wrong_storage_location'
            then 'The book has it ' || book_text || '; transfer it, or put it back.'
        when cause_code = 'not_announced'
            then 'No delivery ' || case_id || ' was announced; wait for it, or ask the sender.'
        when cause_code = 'received_twice'
            then 'The book has it in stock here already, by document ' || book_document_id || '.'
        when cause_code = 'not_transferred'
            then 'The book has it ' || book_text || '; its goods issue was not posted there.'
        when cause_code = 'overage' then 'The delivery does not name this unit; the book has it ' || book_text || '.'
        when kind_code = 'count'
            then 'The book has it here since document ' || book_document_id || ', and the count did not find it.'
        else 'The delivery names it, and it has not been received; the book has it ' || book_text || '.'
    end as reason,
    book_unit_state,
    book_site_id,
    book_storage_location_id,
    book_document_id,
    min(scanned_at) as scanned_at,
    min(file) as file,
    min(ingested_at) as ingested_at
from told
group by all
