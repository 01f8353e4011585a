-- Then, for one bucket of units after the other (all at once would spill to disk): histories, cards, stays.
create or replace temp table movements as
with mine as (
    select records.*, t.witness_group
    from records
    inner join movement_types as t on records.movement_type = t.movement_type and t.line_role = 'main'
    where unit_hash between getvariable('first_unit_hash') and getvariable('last_unit_hash')
),
several as (
    select article_id, serial_number, document_id, witness_group from mine
    group by all having count(*) > 1
),
once as (
    select mine.*, 1 as witness_count, source_name as witness_names
    from mine anti join several using (article_id, serial_number, document_id, witness_group)
    union all
    select
        any_value(unit_hash), min(priority), null, document_id, article_id, serial_number, arg_min(site_id, priority),
        arg_min(storage_location_id, priority), arg_min(to_site_id, priority), arg_min(to_storage_location_id, priority),
        arg_min(vendor_id, priority), arg_min(customer_id, priority), arg_min(batch_id, priority), arg_min(movement_type, priority),
        arg_min(pstng_date, priority), min(known_at), witness_group, count(distinct source_name),
        string_agg(distinct source_name, ',' order by source_name)
    from mine inner join several using (article_id, serial_number, document_id, witness_group)
    group by article_id, serial_number, document_id, witness_group
),
placed as (
    select
        once.* exclude (known_at, site_id, storage_location_id, to_site_id, to_storage_location_id, priority, source_name, pstng_date),
        t.direction,
        t.allowed_states_before,
        t.state_after,
        t.status_after,
        coalesce(t.is_reversal, false) as is_reversal,
        t.is_reversal and once.movement_type not in ('252', '542') as is_taking_back,
        t.sequence_number as type_order,
        once.known_at as moved_at,
        case t.from_place when 'line' then once.site_id when 'line_transit' then once.site_id when 'line_or_counter' then once.site_id
            when 'vendor' then once.site_id when 'counter' then coalesce(once.to_site_id, once.site_id) end as from_site_id,
        case t.from_place when 'line' then once.storage_location_id when 'line_or_counter' then once.storage_location_id
            when 'counter' then once.to_storage_location_id end as from_storage_location_id,
        case t.to_place when 'line' then once.site_id when 'vendor' then once.site_id when 'line_transit' then once.site_id
            when 'counter' then coalesce(once.to_site_id, once.site_id)
            when 'line_or_counter' then coalesce(once.to_site_id, once.site_id) end as to_site_id,
        case t.to_place when 'line' then once.storage_location_id when 'counter' then once.to_storage_location_id
            when 'line_or_counter' then coalesce(once.to_storage_location_id, once.storage_location_id) end as to_storage_location_id,
        t.stock_type_to as stock_type_after,
        case when t.special_stock_to = 'own' or t.special_stock_to is null then ''
            when t.special_stock_to = 'line' then case when t.direction = 'receipt' then '' end
            else t.special_stock_to end as special_stock_mark
    from once
    inner join movement_types as t on once.movement_type = t.movement_type and t.line_role = 'main'
),
-- A reversal leaves the unit as it was before the movement right before it, whose reversal it is.
undone as (
    select
        *,
        case when is_taking_back then lag(state_after, 2) over life else state_after end as unit_state,
        case when is_taking_back then lag(status_after, 2) over life else status_after end as status_code,
        case when is_taking_back then lag(stock_type_after, 2) over life else stock_type_after end as stock_type_code,
        row_number() over life as sequence_number
    from placed
    window life as (partition by article_id, serial_number order by moved_at, type_order, document_id, movement_type)
)
select
    *,
    nullif(last_value(special_stock_mark ignore nulls) over (
        partition by article_id, serial_number order by sequence_number rows between unbounded preceding and current row
    ), '') as special_stock_code,
    lag(unit_state) over life as state_before,
    lag(to_site_id) over life as site_before,
    lag(to_storage_location_id) over life as storage_location_before
from undone
window life as (partition by article_id, serial_number order by sequence_number);

insert into serial_movements_by_hand
select
    unit_hash, article_id, serial_number, sequence_number, document_id, movement_type, from_site_id, from_storage_location_id, to_site_id,
    to_storage_location_id, unit_state, status_code, stock_type_code, special_stock_code, batch_id, batch_id, vendor_id, customer_id,
    case
        when state_before is null then concat(' ', allowed_states_before, ' ') not like '% new %'
        when concat(' ', allowed_states_before, ' ') not like concat('% ', state_before, ' %') then true
        when state_before = 'in_transit' and site_before <> case when is_reversal then from_site_id else to_site_id end then true
        when state_before = 'in_stock' and site_before <> from_site_id then true
        when state_before = 'in_stock' and storage_location_before <> from_storage_location_id then true
        else false
    end,
    witness_count, witness_names, is_reversal, moved_at::date, moved_at
from movements;

insert into serials_by_hand
with mine as (
    select * from serial_movements_by_hand
    where unit_hash between getvariable('first_unit_hash') and getvariable('last_unit_hash')
),
summarised as (
    select
        article_id,
        serial_number,
        count(*) filter (where is_conflict) as conflict_count,
        min(movement_date) as first_movement_date,
        max(sequence_number) as sequence_number
    from mine
    group by article_id, serial_number
)
select
    article_id, serial_number, status_code, unit_state, conflict_count, to_site_id, to_storage_location_id, stock_type_code,
    special_stock_code, batch_id, vendor_id, customer_id, first_movement_date, movement_date, moved_at, movement_type, document_id,
    sequence_number
from mine
inner join summarised using (article_id, serial_number, sequence_number);

insert into serial_stays_by_hand
with compared as (
    select
        *,
        concat_ws('|', unit_state, coalesce(to_site_id, ''), coalesce(to_storage_location_id, ''), coalesce(stock_type_code, ''),
            coalesce(special_stock_code, ''), coalesce(vendor_id, ''), coalesce(customer_id, '')) as place
    from serial_movements_by_hand
    where unit_hash between getvariable('first_unit_hash') and getvariable('last_unit_hash')
),
arrivals as (
    select * from compared
    qualify coalesce(lag(place) over (partition by article_id, serial_number order by sequence_number) <> place, true)
)
select
    article_id, serial_number, row_number() over unit, unit_state, to_site_id, to_storage_location_id, stock_type_code,
    special_stock_code, vendor_id, customer_id, lead(moved_at) over unit is null, moved_at,
    coalesce(lead(moved_at) over unit, timestamp '9999-12-31 00:00:00')
from arrivals
window unit as (partition by article_id, serial_number order by sequence_number);
