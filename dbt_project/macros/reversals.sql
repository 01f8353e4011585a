{#-
    Common table expressions, the last of them `restored`: one row per reversal among `movements` (a relation in the shape of
    int_serial_movements_placed) that takes back a movement of the same unit, with the state before that movement.

    A reversal leaves the unit as it was before what it takes back: with the stock type, special stock, batch and valuation type
    that it had. What was taken back in between counts as never having been. Few units have any reversal; they alone are put in
    order once more. What comes back from a customer (252) or a repairer (542) need not come back as it went: these are movements
    of their own, though called reversals.
-#}
{% macro movements_restored(movements) %}
{%- set takes_back = "is_reversal and movement_type not in ('252', '542')" -%}
ordered as (

    select
        *,
        {{ takes_back }} as is_taking_back,
        row_number() over (
            partition by article_id, serial_number
            order by moved_at, type_order, document_id, movement_type, line_role, occurrence
        ) as position
    from {{ movements }}
    where
        (article_id, serial_number) in (
            select
                taken_back.article_id,
                taken_back.serial_number
            from {{ movements }} as taken_back
            where {{ takes_back }}
        )

),

-- What it takes back is the movement that it names, else the one right before it, where that is of the reversed type.
undone as (

    select
        reversals.article_id,
        reversals.serial_number,
        reversals.position as reversal_position,
        max_by(
            originals.position,
            originals.position
            + case
                when reversals.reverses_document_id in (originals.material_document_id, originals.document_id) then 1000000
                else 0
            end
        ) as original_position
    from ordered as reversals
    inner join ordered as originals
        on
            reversals.article_id = originals.article_id
            and reversals.serial_number = originals.serial_number
            and reversals.reversal_movement_type = originals.movement_type
            and reversals.line_role = originals.line_role
    where
        reversals.is_taking_back
        and (
            originals.position = reversals.position - 1
            or (
                reversals.reverses_document_id in (originals.material_document_id, originals.document_id)
                -- A day without a clock does not say which of the two came first.
                and (
                    originals.position < reversals.position
                    or (reversals.known_moved_at is null and reversals.movement_date = originals.movement_date)
                )
            )
        )
    group by reversals.article_id, reversals.serial_number, reversals.position

),

-- All that happened before the movement that is taken back, and still stood then.
standing as (

    select
        undone.article_id,
        undone.serial_number,
        undone.reversal_position,
        max(earlier.position) as position,
        max_by(earlier.placed_special_stock_code, earlier.position)
            filter (where earlier.placed_special_stock_code is not null) as placed_special_stock_code,
        max_by(earlier.batch_id, earlier.position) filter (where earlier.batch_id is not null) as batch_id,
        max_by(earlier.valuation_type, earlier.position) filter (where earlier.valuation_type is not null) as valuation_type
    from undone
    inner join ordered as earlier
        on
            undone.article_id = earlier.article_id
            and undone.serial_number = earlier.serial_number
            and undone.original_position > earlier.position
    left join undone as taken_back
        on
            earlier.article_id = taken_back.article_id
            and earlier.serial_number = taken_back.serial_number
            and earlier.position = taken_back.original_position
            and undone.reversal_position > taken_back.reversal_position
    left join undone as taking_back
        on
            earlier.article_id = taking_back.article_id
            and earlier.serial_number = taking_back.serial_number
            and earlier.position = taking_back.reversal_position
    where earlier.is_known_type and taken_back.original_position is null and taking_back.reversal_position is null
    group by undone.article_id, undone.serial_number, undone.reversal_position

),

restored as (

    select
        reversals.article_id,
        reversals.serial_number,
        reversals.document_id,
        reversals.witness_group,
        reversals.line_role,
        reversals.occurrence,
        originals.moved_at as original_moved_at,
        earlier.position is not null as is_state_known,
        earlier.state_after,
        earlier.status_after,
        earlier.placed_site_id,
        earlier.placed_storage_location_id,
        earlier.placed_stock_type_code,
        standing.placed_special_stock_code,
        standing.batch_id,
        standing.valuation_type
    from undone
    inner join ordered as reversals
        on
            undone.article_id = reversals.article_id
            and undone.serial_number = reversals.serial_number
            and undone.reversal_position = reversals.position
    inner join ordered as originals
        on
            undone.article_id = originals.article_id
            and undone.serial_number = originals.serial_number
            and undone.original_position = originals.position
    left join standing
        on
            undone.article_id = standing.article_id
            and undone.serial_number = standing.serial_number
            and undone.reversal_position = standing.reversal_position
    left join ordered as earlier
        on
            standing.article_id = earlier.article_id
            and standing.serial_number = earlier.serial_number
            and standing.position = earlier.position

)
{% endmacro %}
