-- What an engineer would write who needs the cards and stays of all units once, and nothing else: no increments, no witnesses'
-- names, no history table. Computes the columns named below exactly as the project's models do.
create or replace temp table movements as
with cleaned as (
    select
        coalesce(sndprn, '') || '/' || docnum || '/' || matdoc_itm as record_id,
        coalesce(nullif(trim(ref_doc_no), ''), docnum) as document_id,
        case when regexp_full_match(trim(material), '[0-9]+') then ltrim(trim(material), '0') else upper(trim(material)) end as article_id,
        case when regexp_full_match(trim(serialno), '[0-9]+') then ltrim(trim(serialno), '0') else upper(trim(serialno)) end as serial_number,
        trim(plant) as site_id,
        nullif(trim(stge_loc), '') as storage_location_id,
        nullif(trim(move_plant), '') as to_site_id,
        nullif(trim(move_stloc), '') as to_storage_location_id,
        ltrim(trim(vendor), '0') as vendor_id,
        ltrim(trim(customer), '0') as customer_id,
        nullif(trim(batch), '') as batch_id,
        move_type as movement_type,
        pstng_date,
        case when credat = pstng_date then credat + to_seconds(
            cast(substr(cretim, 1, 2) as bigint) * 3600 + cast(substr(cretim, 3, 2) as bigint) * 60 + cast(substr(cretim, 5, 2) as bigint)
        ) end as known_at,
        _file,
        _line
    from delta_scan(getvariable('goods_movements'))
    where serialno is not null
),
once as (
    select * from cleaned
    qualify row_number() over (partition by article_id, serial_number, record_id order by _file, _line) = 1
),
placed as (
    select
        once.*,
        t.direction,
        t.allowed_states_before,
        t.state_after,
        t.status_after,
        t.sequence_number as type_order,
        coalesce(once.known_at, once.pstng_date + coalesce(t.default_time, '12:00:00')::time) as moved_at,
        case t.from_place when 'line' then once.site_id when 'line_transit' then once.site_id when 'line_or_counter' then once.site_id
            when 'vendor' then once.site_id when 'counter' then coalesce(once.to_site_id, once.site_id) end as from_site_id,
        case t.from_place when 'line' then once.storage_location_id when 'line_or_counter' then once.storage_location_id
            when 'counter' then once.to_storage_location_id end as from_storage_location_id,
        case t.to_place when 'line' then once.site_id when 'vendor' then once.site_id when 'line_transit' then once.site_id
            when 'counter' then coalesce(once.to_site_id, once.site_id)
            when 'line_or_counter' then coalesce(once.to_site_id, once.site_id) end as placed_site_id,
        case t.to_place when 'line' then once.storage_location_id when 'counter' then once.to_storage_location_id
            when 'line_or_counter' then coalesce(once.to_storage_location_id, once.storage_location_id) end as placed_storage_location_id,
        t.stock_type_to as placed_stock_type_code
    from once
    inner join movement_types as t on once.movement_type = t.movement_type and t.line_role = 'main'
)
select
    *,
    row_number() over life as sequence_number,
    count(*) over (partition by article_id, serial_number) as movement_count,
    lag(state_after) over life as state_before,
    lag(placed_site_id) over life as site_before,
    lag(placed_storage_location_id) over life as storage_location_before,
    max(case when direction = 'receipt' and concat(' ', allowed_states_before, ' ') like '% new %' then 1 else 0 end)
        over (partition by article_id, serial_number) = 1 as is_ever_received
from placed
window life as (partition by article_id, serial_number order by moved_at, type_order, document_id, movement_type);

create or replace table serials_by_hand as
with judged as (
    select
        *,
        case
            when state_before is null and concat(' ', allowed_states_before, ' ') like '% new %' then null
            when state_before is null and direction = 'receipt' then 'returned_without_sale'
            when state_before is null and is_ever_received then 'issue_before_receipt'
            when state_before is null then 'never_received'
            when concat(' ', allowed_states_before, ' ') not like concat('% ', state_before, ' %') then 'does_not_follow'
            when state_before = 'in_transit' and site_before <> placed_site_id then 'received_at_wrong_site'
            when state_before = 'in_stock' and site_before <> from_site_id then 'moved_from_wrong_site'
            when state_before = 'in_stock' and storage_location_before <> from_storage_location_id then 'moved_from_wrong_storage_location'
        end as conflict
    from movements
),
summarised as (
    select
        article_id,
        serial_number,
        min(pstng_date) as first_movement_date,
        count(conflict) as conflict_count,
        string_agg(distinct conflict, ',' order by conflict) as status_conflict
    from judged
    group by article_id, serial_number
)
select
    l.article_id, l.serial_number, l.status_after as status_code, l.state_after as unit_state, s.status_conflict, s.conflict_count,
    l.placed_site_id as site_id, l.placed_storage_location_id as storage_location_id, l.placed_stock_type_code as stock_type_code,
    l.batch_id, l.vendor_id, l.customer_id, s.first_movement_date, l.pstng_date as last_movement_date, l.moved_at as last_moved_at,
    l.movement_type as last_movement_type, l.document_id as last_document_id, l.movement_count
from movements as l
inner join summarised as s on l.article_id = s.article_id and l.serial_number = s.serial_number
where l.sequence_number = l.movement_count;

create or replace table serial_stays_by_hand as
with compared as (
    select
        *,
        concat_ws('|', state_after, coalesce(placed_site_id, ''), coalesce(placed_storage_location_id, ''),
            coalesce(placed_stock_type_code, ''), coalesce(vendor_id, ''), coalesce(customer_id, '')) as place
    from movements
),
arrivals as (
    select * from compared
    qualify coalesce(lag(place) over (partition by article_id, serial_number order by sequence_number) <> place, true)
)
select
    article_id, serial_number, row_number() over unit as stay_number, state_after as unit_state, placed_site_id as site_id,
    placed_storage_location_id as storage_location_id, placed_stock_type_code as stock_type_code, vendor_id, customer_id,
    lead(moved_at) over unit is null as is_current, moved_at as valid_from_at,
    coalesce(lead(moved_at) over unit, timestamp '9999-12-31 00:00:00') as valid_to_at
from arrivals
window unit as (partition by article_id, serial_number order by sequence_number);
