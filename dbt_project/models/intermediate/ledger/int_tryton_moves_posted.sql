-- One row per move and time that it was posted, or withdrawn after that.
{{ config(materialized='view') }}

with moves as (

    select
        *,
        not is_deleted and move_state = 'done' and units <> 0 as is_posted,
        -- A lot of many pieces is no unit; a move without a lot moves nobody in particular.
        serial_number is not null and units = 1 as is_unit
    from {{ ref('stg_tryton__moves') }}

),

compared as (

    select
        *,
        coalesce(lag(is_posted) over (partition by move_id order by extracted_at, ingested_at, line), false) as was_posted
    from moves

),

changes as (

    select
        *,
        sum(case when is_posted then 1 else 0 end) over (
            partition by move_id order by extracted_at, ingested_at, line rows unbounded preceding
        ) as turn
    from compared
    where is_posted <> was_posted

),

-- A row that was withdrawn says nothing reliable any more, or is gone: what had been posted speaks for it.
events as (

    select
        posted.*,
        changes.is_posted as is_posting,
        changes.changed_at as happened_at,
        changes.file as event_file,
        changes.line as event_line,
        changes.ingested_at as event_ingested_at
    from changes
    inner join changes as posted on changes.move_id = posted.move_id and changes.turn = posted.turn and posted.is_posted

),

-- Tryton keeps the day that a person chose, and the moment of the last change. On one and the same day that is the moment of
-- the posting. A posting made up later says only its day: it comes at the day's end, after those made before it.
timed as (

    select
        *,
        case
            when changed_date = effective_date then changed_at
            else
                effective_date
                + interval 86340 second
                + interval 1 millisecond * dense_rank() over (
                    partition by coalesce(lot_id, -move_id), effective_date, is_posting, changed_date = effective_date
                    order by changed_at
                )
        end as posted_at
    from events

)

select
    lpad(cast(move_id as varchar), 12, '0') || case when is_posting then '/posted/' else '/withdrawn/' end || turn as record_id,
    move_id,
    is_posting,
    article_id,
    case when is_unit then serial_number end as serial_number,
    case when not is_unit then serial_number end as batch_id,
    units as quantity,
    from_location_id,
    to_location_id,
    shipment_key,
    origin_key,
    purchase_order_id,
    sales_order_id,
    case when is_posting then effective_date else cast(happened_at as date) end as movement_date,
    case when is_posting then posted_at else happened_at end as moved_at,
    happened_at,
    event_file as file,
    event_line as line,
    event_ingested_at as ingested_at
from timed
