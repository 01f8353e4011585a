"""Answers: what is known of the units of a recall, each question one query on the published tables.

Queries belong here, and what follows from their rows; what a file or a table shows does not (recalling.py). Terms such as place and
reason are explained in RECALL.md.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import polars as pl

from pipelines.recall.columns import matching_units
from pipelines.warehouse import reading_only

__all__ = ["PLACES", "Answers", "answers"]

PLACES = {
    "in_stock": "in_stock",
    "blocked_receipt": "in_stock",
    "in_transit": "in_transit",
    "with_vendor": "at_repair_vendor",
    "with_customer": "with_customer",
    "at_customer": "with_customer",
    "returned_to_vendor": "returned_to_vendor",
    "scrapped": "scrapped",
}
"""State in the ledger -> place; of any other state, nobody knows where the unit is."""

_AS_OF = "select cast(least(max(last_moved_at), max(ingested_at)) as date) from serials"

_SALES = """
create temp table sales as
with histories as (
    select
        moves.article_id, moves.serial_number, moves.sequence_number, moves.unit_state, moves.customer_id, moves.from_site_id,
        moves.document_id, moves.movement_date, moves.is_reversal,
        -- A till that takes a unit back posts a reversal too; only one that names the sale says that there was none.
        lead(moves.is_reversal) over history and lead(moves.reverses_document_id) over history = moves.document_id as is_reversed
    from serial_movements as moves
    semi join matched on matched.article_id = moves.article_id and matched.serial_number = moves.serial_number
    window history as (partition by moves.article_id, moves.serial_number order by moves.sequence_number)
),
elsewhere as (
    select article_id, serial_number, max(sequence_number) as last_elsewhere
    from histories
    where unit_state not in ('with_customer', 'at_customer')
    group by all
)
select
    histories.*,
    -- Sold twice, and never brought back in between: nobody knows which of the two customers has it, so both are told.
    sequence_number > coalesce(last_elsewhere, 0) as is_current
from histories
left join elsewhere using (article_id, serial_number)
where unit_state in ('with_customer', 'at_customer') and not is_reversal and not coalesce(is_reversed, false)
"""

_UNITS = """
with newest as (
    select
        article_id,
        serial_number,
        arg_max(from_site_id, sequence_number) as sold_site_id,
        max(movement_date) as sold_date
    from sales
    where is_current
    group by all
)
select
    matched.*,
    unit_origins.supplier_id, unit_origins.purchase_order_id, unit_origins.received_date,
    newest.sold_site_id, newest.sold_date
from matched
left join unit_origins using (article_id, serial_number)
left join newest using (article_id, serial_number)
order by matched.serial_number, matched.article_id
"""

_CONTACTS = """
with units as (
    select
        coalesce(sales.customer_id, matched.customer_id) as customer_id,
        matched.article_id || '/' || matched.serial_number as unit_name,
        coalesce(sales.is_current, true) as is_current,
        sales.article_id is not null as is_sale_known,
        sales.from_site_id, sales.document_id, sales.movement_date
    from matched
    left join sales using (article_id, serial_number)
    where sales.article_id is not null or matched.unit_state in ('with_customer', 'at_customer')
),
held as (
    select *, bool_or(is_current) over (partition by coalesce(customer_id, unit_name)) as has_unit
    from units
    where customer_id is not null or is_current
),
counted as (
    select
        coalesce(held.customer_id, held.unit_name) as contact_id,
        held.customer_id,
        bool_or(held.has_unit) as has_unit,
        bool_or(held.is_sale_known) as is_sale_known,
        count(distinct held.unit_name) as units,
        string_agg(distinct held.unit_name, ',' order by held.unit_name) as unit_names,
        string_agg(distinct held.from_site_id, ',' order by held.from_site_id) as site_ids,
        string_agg(distinct held.document_id, ',' order by held.document_id) as document_ids,
        min(held.movement_date) as first_sold_date,
        max(held.movement_date) as last_sold_date
    from held
    where held.is_current = held.has_unit
    group by all
)
select
    counted.*,
    case
        when not has_unit then 'returned_since'
        when counted.customer_id is null and is_sale_known then 'anonymous_sale'
        when counted.customer_id is null then 'no_sale_known'
        when not coalesce(customers.has_master_data, false) then 'no_master_data'
    end as reason_code
from counted
left join customers on counted.customer_id = customers.customer_id
order by counted.customer_id nulls last, contact_id
"""

_OTHERS = """
create temp table others as
select serials.article_id, serials.serial_number, serials.batch_id, serials.site_id
from serials
anti join matched using (article_id, serial_number)
where serials.article_id in (select article_id from matched)
    and serials.unit_state not in ('scrapped', 'returned_to_vendor', 'changed_article', 'not_received')
"""
"""A table of its own: joined in one query, the origins of all units are hashed for the few that are looked up, ten times the time."""

_COMPARED = """
with batches as (select distinct article_id, batch_id from matched where batch_id is not null)
select
    others.article_id, others.batch_id, others.site_id, unit_origins.purchase_order_id,
    batches.article_id is not null as is_same_batch,
    count(*) as units
from others
left join unit_origins using (article_id, serial_number)
left join batches using (article_id, batch_id)
group by all
"""


@dataclass(frozen=True)
class Answers:
    """Units that match, one row each; contacts; others of the same articles, counted by what values them; newest business day."""

    units: pl.DataFrame
    contacts: pl.DataFrame
    others: pl.DataFrame
    as_of_date: date


def answers(published: Path, lakes: Sequence[Path], condition: str, columns: Collection[str]) -> Answers:
    """Ask the published file, which reads no other files than those below `lakes`. Raises QueryError where the condition fails on a row."""
    with reading_only(published, lakes) as connection:
        connection.execute(f"create temp table matched as {matching_units(condition, columns)}")
        for sql in (_SALES, _OTHERS):
            connection.execute(sql)
        found = [connection.execute(sql).pl() for sql in (_UNITS, _CONTACTS, _COMPARED)]
        return Answers(*found, connection.execute(_AS_OF).fetchone()[0])
