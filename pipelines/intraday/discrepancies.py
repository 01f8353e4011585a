"""Discrepancies: what handheld scans found of counts and goods receipts, against the book at that moment.

The book of a unit is its state by the movements before the scan, without what the scan itself reports. The causes, and which goes before
which, are in discrepancies.sql; a new one needs its sentence there, too. Only scans that the facts do not hold yet are judged: with the
next night they are in the ledger, and what is still open then is a matter of its reconciliation.
"""

from __future__ import annotations

from pathlib import Path

import polars as pl

from pipelines.contracts import Contract
from pipelines.intraday.base import Base
from pipelines.warehouse import Connection

__all__ = ["LOOKED_AT", "ask_about_scans", "discrepancies"]

LOOKED_AT = frozenset({"handheld/scans"})
"""Bronze tables whose new rows may tell of a discrepancy."""

_SCANS, _LINES = "stg_handheld__scans", "int_delivery_lines"
_ANNOUNCED = ("delivery_id", "article_id", "serial_number", "delivery_type", "from_site_id", "ship_to_id")
_BOOK = "article_id, serial_number, unit_state, site_id, storage_location_id, last_moved_at, last_document_id"
_QUERY = Path(__file__).with_name("discrepancies.sql")


def ask_about_scans(connection: Connection, base: Base, *, is_new: bool) -> None:
    """Tables `judged_scans` and `announced_units`, and `asked_units`: those whose book is needed to judge them."""
    base.create_views(connection, [_SCANS])
    scans = base.models.by_name[_SCANS].relation
    condition = f"ingested_at > timestamp '{base.built_until}' and action in ('count', 'receive')" if is_new else "false"
    connection.execute(f"""
        create table judged_scans as
        select * from {scans} where {condition}
        qualify row_number() over (partition by scan_id order by ingested_at desc, file desc, line desc) = 1
    """)
    deliveries = "select distinct delivery_id from judged_scans where action = 'receive' and delivery_id is not null"
    if connection.execute(deliveries).fetchone():
        base.create_views(connection, [_LINES])
        lines, wanted = base.models.by_name[_LINES].relation, f"delivery_id in ({deliveries})"
    else:
        nothing = ", ".join(f"null::varchar as {name}" for name in _ANNOUNCED)
        lines, wanted = f"(select {nothing})", "false"
    connection.execute(f"""
        create table announced_units as
        select {", ".join(_ANNOUNCED)} from {lines} where {wanted}
    """)
    connection.execute("""
        create table asked_units as
        select article_id, serial_number from judged_scans where serial_number is not null
        union
        select article_id, serial_number from announced_units where serial_number is not null
    """)


def discrepancies(connection: Connection, base: Base, contract: Contract) -> pl.DataFrame:
    """Rows of live_discrepancies; to be called when the units are folded."""
    moves = base.models.by_name["serial_movements"].relation
    connection.execute(f"create view book_movements as select * from {moves}")
    # The book of units that no scan found: as published, or as folded where anything touched them.
    connection.execute(f"""
        create view book_units as
        select {_BOOK} from {base.gold("serials")}
        anti join touched_units using (article_id, serial_number)
        union all
        select {_BOOK} from after_units
    """)
    columns = ", ".join(f"cast({c.name} as {c.physical_type}) as {c.name}" for c in contract.columns)
    order = ", ".join(contract.custom("sortedBy"))
    return connection.execute(f"select {columns} from ({_QUERY.read_text(encoding='utf-8')}) as found order by {order}").pl()
