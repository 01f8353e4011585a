-- One row per missing and surplus unit of one delivery that explain each other: a number misread, or another article in the box.
with missing as (

    select * from {{ ref('int_units_missing') }}
    where received_at is null and not is_whole_missing

),

surplus as (

    select * from {{ ref('int_units_surplus') }}
    where departed_at is not null

),

-- On its way between two sites a unit has a past: a number without one was misread. A vendor's unit has none, and its neighbours
-- in the box have numbers like its own: only two characters swapped give it away.
misreadings as (

    select
        missing.delivery_id,
        missing.article_id,
        missing.serial_number,
        surplus.article_id as surplus_article_id,
        surplus.serial_number as surplus_serial_number,
        {{ typing_distance('missing.serial_number', 'surplus.serial_number') }} as distance
    from missing
    inner join surplus
        on missing.delivery_id = surplus.delivery_id and missing.article_id = surplus.article_id
    where
        {{ typing_distance('missing.serial_number', 'surplus.serial_number') }} <= 2
        and (
            (missing.lane_kind = 'delivery' and surplus.state_before is null)
            or (
                {{ typing_distance('missing.serial_number', 'surplus.serial_number') }} = 1
                and levenshtein(missing.serial_number, surplus.serial_number) = 2
            )
        )

),

misread as (

    select
        *,
        row_number() over (
            partition by delivery_id, article_id, serial_number order by distance, surplus_serial_number
        ) as choice,
        row_number() over (
            partition by delivery_id, surplus_article_id, surplus_serial_number order by distance, serial_number
        ) as surplus_choice
    from misreadings

),

mistyped as (

    select
        delivery_id,
        article_id,
        serial_number,
        surplus_article_id,
        surplus_serial_number,
        'mistyped_serial' as kind_code
    from misread
    where choice = 1 and surplus_choice = 1

),

-- The origin found the unit that it should have sent: a count saw it, or something booked it in. Few units are missing; all
-- that happened to them later is looked at.
found_at_origin as (

    select
        missing.delivery_id,
        missing.article_id,
        missing.serial_number
    from missing
    inner join {{ ref('serial_movements') }} as moves
        on missing.article_id = moves.article_id and missing.serial_number = moves.serial_number
    where
        moves.moved_at > missing.departed_at
        and moves.unit_state = 'in_stock'
        and moves.to_site_id = missing.origin_id
        and not moves.is_reversal
    -- Either is enough: each unit once.
    union distinct
    select
        missing.delivery_id,
        missing.article_id,
        missing.serial_number
    from missing
    inner join {{ ref('int_count_results') }} as counted
        on missing.article_id = counted.article_id and missing.serial_number = counted.serial_number
    where counted.site_id = missing.origin_id and counted.counted_from_at > missing.departed_at

),

left_behind as (

    select
        missing.delivery_id,
        missing.article_id,
        missing.serial_number,
        row_number() over (
            partition by missing.delivery_id
            order by missing.article_id, missing.serial_number
        ) as place
    from missing
    inner join found_at_origin
        on
            missing.delivery_id = found_at_origin.delivery_id
            and missing.article_id = found_at_origin.article_id
            and missing.serial_number = found_at_origin.serial_number
    left join mistyped
        on
            missing.delivery_id = mistyped.delivery_id
            and missing.article_id = mistyped.article_id
            and missing.serial_number = mistyped.serial_number
    where
        missing.lane_kind = 'delivery'
        and mistyped.delivery_id is null

),

came_instead as (

    select
        surplus.delivery_id,
        surplus.article_id,
        surplus.serial_number,
        row_number() over (
            partition by surplus.delivery_id
            -- Against the order of what was left behind: of two articles in each other's place, each meets the other.
            order by surplus.article_id desc, surplus.serial_number asc
        ) as place
    from surplus
    left join mistyped
        on
            surplus.delivery_id = mistyped.delivery_id
            and surplus.article_id = mistyped.surplus_article_id
            and surplus.serial_number = mistyped.surplus_serial_number
    where surplus.lane_kind = 'delivery' and mistyped.delivery_id is null

)

select * from mistyped
union all
select
    left_behind.delivery_id,
    left_behind.article_id,
    left_behind.serial_number,
    came_instead.article_id as surplus_article_id,
    came_instead.serial_number as surplus_serial_number,
    'wrong_article' as kind_code
from left_behind
inner join came_instead
    on left_behind.delivery_id = came_instead.delivery_id and left_behind.place = came_instead.place
where left_behind.article_id <> came_instead.article_id
