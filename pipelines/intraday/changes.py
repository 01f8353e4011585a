"""Changes: what the folded units say that the published facts do not say yet, as small tables.

Comparing units before and after belongs here; folding them does not (fold.py), nor do the views that lay these tables over the facts
(views.py). What only master data tells of a unit stays as the night had it.
"""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from pipelines.contracts import Contract
from pipelines.intraday.base import Base
from pipelines.intraday.cards import make_cards
from pipelines.warehouse import Connection

__all__ = ["IN_STOCK", "changed_tables"]

IN_STOCK = "unit_state in ('in_stock', 'in_transit', 'with_vendor')"
"""Units that are stock, as in dbt_project/models/marts/stock/stock_current.sql."""

_STOCK_KEY = "site_id, storage_location_id, article_id, stock_type_code, special_stock_code, valuation_type"
_UNIT = "article_id, serial_number"


def changed_tables(connection: Connection, base: Base, contracts: Mapping[str, Contract]) -> dict[str, pl.DataFrame]:
    """Rows of changed_units, changed_serials, changed_serial_movements and changed_stock, in their contracts' columns."""
    states = base.models.by_name["int_serial_states"].relation
    connection.execute(f"""
        create table before_units as
        select serials.* from {base.gold("serials")} as serials
        semi join touched_units on serials.article_id = touched_units.article_id and serials.serial_number = touched_units.serial_number
    """)
    _trusted(connection, base, states)
    make_cards(connection, base, contracts["serials"], states)
    queries = {
        "changed_units": f"""
            select {_UNIT}, before.unit_state as unit_state_before, before.site_id as site_id_before, after.unit_state, after.site_id
            from touched_units left join before_units as before using ({_UNIT}) left join after_units as after using ({_UNIT})
            where before.unit_state is not null or after.unit_state is not null
        """,
        "changed_serials": "select * from after_units",
        "changed_serial_movements": f"""
            select moves.* from {base.models.by_name["serial_movements"].relation} as moves semi join touched_units using ({_UNIT})
        """,
        "changed_stock": _STOCK,
    }
    return {name: _shaped(connection, queries[name], contracts[name]) for name in queries}


def _trusted(connection: Connection, base: Base, states: str) -> None:
    """How far stock is trusted where touched units are: as the published stock has it; elsewhere the master data are asked."""
    connection.execute(f"""
        create table trusted as
        select article_id, site_id, max(trust_level) as trust_level
        from {base.gold("stock_current")}
        where site_id is not null and article_id in (select article_id from touched_units)
        group by article_id, site_id
    """)
    missing = f"""
        select distinct article_id, site_id from {states} semi join touched_units using ({_UNIT})
        where site_id is not null and (article_id, site_id) not in (select (article_id, site_id) from trusted)
    """
    if connection.execute(missing).fetchone():
        base.create_views(connection, ["int_article_sites_trusted"])
        every = base.models.by_name["int_article_sites_trusted"].relation
        connection.execute(
            f"insert into trusted select article_id, site_id, trust_level from {every} semi join ({missing}) using (article_id, site_id)"
        )


_STOCK = f"""
    select
        {_STOCK_KEY},
        max(article_name) as article_name,
        max(stock_type_name) as stock_type_name,
        max(trust_level) as trust_level,
        sum(units) as units_change,
        sum(case when has_conflict then units else 0 end) as units_with_conflict_change,
        count(*) filter (where units > 0) as units_added,
        count(*) filter (where units < 0) as units_removed
    from (
        select {_STOCK_KEY}, article_name, stock_type_name, trust_level, has_conflict, 1 as units from after_units where {IN_STOCK}
        union all
        select {_STOCK_KEY}, article_name, stock_type_name, trust_level, has_conflict, -1 as units from before_units where {IN_STOCK}
    ) as both_sides
    group by {_STOCK_KEY}
    having sum(units) <> 0 or sum(case when has_conflict then units else 0 end) <> 0
"""


def _shaped(connection: Connection, sql: str, contract: Contract) -> pl.DataFrame:
    columns = ", ".join(f"cast({c.name} as {c.physical_type}) as {c.name}" for c in contract.columns)
    order = ", ".join(contract.custom("sortedBy"))
    return connection.execute(f"select {columns} from ({sql}) as found order by {order}").pl()
