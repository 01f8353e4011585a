-- One row per movement that the state does not follow: on the same day, the movement before it has the stronger claim.
{{ config(materialized='incremental', incremental_strategy='replace_units', on_schema_change='fail') }}

with movements as (

    {{ movements_of_units() }}

),

-- Two places, or two customers, cannot both have got a unit on one day. Where days lie between, a way that nobody told of can.
later_claims as (

    select
        article_id,
        serial_number,
        sequence_number,
        unit_ingested_at as ingested_at
    from movements
    where conflict_code in ('in_two_places', 'sold_twice')

),

-- Few units stand out; all their movements are looked at.
of_units as (

    select
        moves.article_id,
        moves.serial_number,
        moves.sequence_number,
        moves.movement_date,
        moves.witness_count,
        coalesce(moves.delivery_id, moves.purchase_order_id, moves.sales_order_id) as chain_id
    from movements as moves
    where (moves.article_id, moves.serial_number) in (
        select
            later_claims.article_id,
            later_claims.serial_number
        from later_claims
    )

),

pairs as (

    select
        later_claims.article_id,
        later_claims.serial_number,
        later_claims.sequence_number,
        later_claims.ingested_at,
        earlier.witness_count as earlier_witness_count,
        later.witness_count as later_witness_count,
        earlier.chain_id as earlier_chain_id,
        later.chain_id as later_chain_id
    from later_claims
    inner join of_units as later
        on
            later_claims.article_id = later.article_id
            and later_claims.serial_number = later.serial_number
            and later_claims.sequence_number = later.sequence_number
    inner join of_units as earlier
        on
            later.article_id = earlier.article_id
            and later.serial_number = earlier.serial_number
            and later.sequence_number - 1 = earlier.sequence_number
            and later.movement_date = earlier.movement_date

),

-- A claim belongs to a chain of documents where another movement of the unit names the same delivery or order.
chained as (

    select
        pairs.article_id,
        pairs.serial_number,
        pairs.sequence_number,
        coalesce(bool_or(others.chain_id = pairs.earlier_chain_id), false) as is_earlier_chained,
        coalesce(bool_or(others.chain_id = pairs.later_chain_id), false) as is_later_chained
    from pairs
    inner join of_units as others
        on
            pairs.article_id = others.article_id
            and pairs.serial_number = others.serial_number
            and others.sequence_number not in (pairs.sequence_number - 1, pairs.sequence_number)
    group by pairs.article_id, pairs.serial_number, pairs.sequence_number

)

select
    pairs.article_id,
    pairs.serial_number,
    pairs.sequence_number,
    case
        when coalesce(chained.is_earlier_chained, false) <> coalesce(chained.is_later_chained, false) then 'document_chain'
        else 'witness_count'
    end as decided_by,
    pairs.ingested_at
from pairs
left join chained
    on
        pairs.article_id = chained.article_id
        and pairs.serial_number = chained.serial_number
        and pairs.sequence_number = chained.sequence_number
where
    (coalesce(chained.is_earlier_chained, false) and not coalesce(chained.is_later_chained, false))
    or (
        coalesce(chained.is_earlier_chained, false) = coalesce(chained.is_later_chained, false)
        and pairs.earlier_witness_count > pairs.later_witness_count
    )
