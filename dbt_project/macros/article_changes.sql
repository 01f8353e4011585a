{#-
    Common table expressions, the last of them `came_from` and `went_to`: one row per unit that was another article before, and per unit
    that went on as another.

    A transfer between articles (309) ends one unit and begins another, of the same thing. Few are; both ends stand in one document, and
    either may lie further back than what changed. An increment, which has its units' movements in `changed_movements`, reads nothing
    where none of them is such a transfer.
-#}
{% macro article_changes() %}
transfers_between_articles as (

    select * from {{ ref('serial_movements') }}
    where
        movement_type in ('309', '310')
        {%- if is_incremental() %}
        and serial_number in (select serial_number from changed_movements where movement_type in ('309', '310'))
        {%- endif %}

),

renamed as (

    select
        issued.article_id as from_article_id,
        received.article_id as to_article_id,
        issued.serial_number,
        received.movement_type,
        max(issued.sequence_number) as from_sequence_number,
        max(received.sequence_number) as to_sequence_number
    from transfers_between_articles as issued
    inner join transfers_between_articles as received
        on issued.serial_number = received.serial_number and issued.document_id = received.document_id
    where
        issued.unit_state = 'changed_article'
        and received.unit_state <> 'changed_article'
        and issued.article_id <> received.article_id
    group by issued.article_id, received.article_id, issued.serial_number, received.movement_type

),

came_from as (

    select
        to_article_id as article_id,
        serial_number,
        max_by(from_article_id, to_sequence_number) as previous_article_id
    from renamed
    -- A reversal (310) brings back what the unit was, and is no descent.
    where movement_type = '309'
    group by to_article_id, serial_number

),

went_to as (

    select
        from_article_id as article_id,
        serial_number,
        max_by(to_article_id, from_sequence_number) as next_article_id
    from renamed
    group by from_article_id, serial_number

)
{% endmacro %}
