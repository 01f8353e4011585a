-- One row per unit, or handling unit, and unbroken stay in a handling unit.
{{ config(materialized='incremental', incremental_strategy='replace_contents', on_schema_change='fail') }}

with all_events as (

    select * from {{ ref('int_handling_unit_events') }}

),

told as (

    select * from all_events
    where
        content_id is not null
        {%- if is_incremental() %}
        and content_id in (
            {{ changed_contents() }}
        )
        {%- endif %}

),

-- Of a delivery its newest version tells what is packed.
newest_versions as (

    select
        document_id,
        file,
        row_number() over (
            partition by document_id order by told_at desc nulls last, ingested_at desc, file desc, line desc
        ) as age
    from all_events
    where source_name = 'delivery' and document_id in (select packed.document_id from told as packed)

),

withdrawn as (

    select distinct
        source_name,
        document_id,
        coalesce(content_id, '') as content_id
    from all_events
    where is_withdrawn

),

standing as (

    select told.*
    from told
    left join newest_versions
        on told.source_name = 'delivery' and told.document_id = newest_versions.document_id and newest_versions.age = 1
    left join withdrawn
        on
            told.source_name = withdrawn.source_name
            and told.document_id = withdrawn.document_id
            and told.content_id = withdrawn.content_id
    where withdrawn.content_id is null and (newest_versions.file is null or told.file = newest_versions.file)

),

-- What is emptied loses all that was in it.
emptied as (

    select
        standing.content_id,
        emptyings.*
    from (
        select distinct
            content_id,
            handling_unit_id
        from standing
    ) as standing
    inner join all_events as emptyings
        on standing.handling_unit_id = emptyings.handling_unit_id and emptyings.event_code = 'emptied'
    left join withdrawn
        on
            emptyings.source_name = withdrawn.source_name
            and emptyings.document_id = withdrawn.document_id
            and withdrawn.content_id = ''
    where withdrawn.content_id is null

),

-- Copies of an event are one; of a moment, unpacking comes before packing anew.
events as (

    select
        content_id,
        handling_unit_id,
        happened_at,
        case when event_code = 'packed' then 1 else 0 end as is_packing,
        source_name,
        document_id,
        max(file) as file,
        max(line) as line,
        max(ingested_at) as ingested_at
    from (
        select
            content_id,
            handling_unit_id,
            happened_at,
            event_code,
            source_name,
            document_id,
            file,
            line,
            ingested_at
        from standing
        union all
        select
            content_id,
            handling_unit_id,
            happened_at,
            event_code,
            source_name,
            document_id,
            file,
            line,
            ingested_at
        from emptied
    ) as every
    group by
        content_id,
        handling_unit_id,
        happened_at,
        case when event_code = 'packed' then 1 else 0 end,
        source_name,
        document_id

),

compared as (

    select
        *,
        lag(is_packing) over content as was_packing,
        lag(handling_unit_id) over content as handling_unit_before
    from events
    window content as (
        partition by content_id order by happened_at, is_packing, handling_unit_id, source_name, document_id
    )

),

-- Told again that it is in there, or is not, it stays as it was.
changes as (

    select
        *,
        is_packing = 0 and (coalesce(was_packing, 0) = 0 or handling_unit_before <> handling_unit_id) as is_surprise
    from compared
    where
        was_packing is null
        or is_packing <> was_packing
        or (is_packing = 1 and handling_unit_before <> handling_unit_id)
        or (is_packing = 0 and handling_unit_before <> handling_unit_id)

),

bounded as (

    select
        *,
        lead(happened_at) over content as next_at,
        lead(source_name || ' ' || document_id) over content as next_document
    from changes
    window content as (
        partition by content_id order by happened_at, is_packing, handling_unit_id, source_name, document_id
    )

),

contents as (

    select * from {{ ref('int_handling_unit_contents') }}

)

select
    bounded.handling_unit_id,
    bounded.content_id,
    case when contents.serial_number is not null then 'unit' else 'handling_unit' end as content_kind,
    contents.article_id,
    contents.serial_number,
    contents.inner_handling_unit_id,
    case when bounded.is_packing = 1 then bounded.source_name || ' ' || bounded.document_id end as packed_by,
    case
        when bounded.is_packing = 1 then bounded.next_document
        else bounded.source_name || ' ' || bounded.document_id
    end as unpacked_by,
    bounded.is_packing = 1 and bounded.next_at is null as is_current,
    -- Who unpacks it from where nobody had packed it says until when it was there, not since when.
    case when bounded.is_packing = 1 then bounded.happened_at end as valid_from_at,
    case
        when bounded.is_packing = 1 then coalesce(bounded.next_at, timestamp '9999-12-31 00:00:00')
        else bounded.happened_at
    end as valid_to_at,
    contents.file,
    contents.line,
    contents.ingested_at
from bounded
inner join contents on bounded.content_id = contents.content_id and bounded.handling_unit_id = contents.handling_unit_id
where bounded.is_packing = 1 or bounded.is_surprise
