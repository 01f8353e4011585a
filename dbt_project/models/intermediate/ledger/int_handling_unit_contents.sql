-- One row per handling unit and what any record ever said was in it, with the newest record that bears on it.
{{ config(materialized='incremental', incremental_strategy='replace_contents', on_schema_change='fail') }}

with events as (

    select * from {{ ref('int_handling_unit_events') }}

),

told as (

    select * from events
    where
        content_id is not null
        {%- if is_incremental() %}
        and content_id in (
            {{ changed_contents() }}
        )
        {%- endif %}

),

-- What bears on a content: its own records, other versions of the deliveries that name it, and emptyings of what it lay in.
bearing as (

    select
        content_id,
        file,
        line,
        ingested_at
    from told
    union all
    select
        told.content_id,
        events.file,
        events.line,
        events.ingested_at
    from told
    inner join events on told.document_id = events.document_id
    where told.source_name = 'delivery' and events.source_name = 'delivery'
    union all
    select
        told.content_id,
        events.file,
        events.line,
        events.ingested_at
    from told
    inner join events on told.handling_unit_id = events.handling_unit_id
    where events.event_code = 'emptied'

),

newest as (

    select
        *,
        row_number() over (partition by content_id order by ingested_at desc, file desc, line desc) as age
    from bearing

),

pairs as (

    select
        content_id,
        handling_unit_id,
        max(case when serial_number is not null then article_id end) as article_id,
        max(serial_number) as serial_number,
        max(inner_handling_unit_id) as inner_handling_unit_id
    from told
    group by content_id, handling_unit_id

)

select
    pairs.content_id,
    pairs.handling_unit_id,
    pairs.article_id,
    pairs.serial_number,
    pairs.inner_handling_unit_id,
    newest.file,
    newest.line,
    newest.ingested_at
from pairs
inner join newest on pairs.content_id = newest.content_id and newest.age = 1
