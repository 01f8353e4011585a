"""Card: one unit as a person wants to see it, its card and its history.

Finding and showing one unit belongs here; how its state came about does not (dbt_project/models/marts/ledger).
The card follows the ERP's display of an article's serial number.
"""

from __future__ import annotations

from datetime import datetime

import polars as pl
from rich.console import Console, Group
from rich.panel import Panel
from rich.table import Table

from pipelines.home import Home
from pipelines.summary import show_rows
from pipelines.warehouse import query

__all__ = ["find_units", "normalised", "show_unit", "show_unit_at"]

_CARD = [
    [("Article", "article_id"), ("", "article_name"), ("Serial number", "serial_number"), ("Category", "category_code")],
    [("Status", "status"), ("State", "unit_state"), ("Valid from", "valid_from_date"), ("Valid to", "valid_to_date")],
    [("Age in days", "age_days"), ("Days in this state", "state_days"), ("Trust level", "trust_level")],
    [("Equipment", "equipment_id"), ("Master batch", "master_batch_id"), ("Warranty until", "warranty_end_date")],
    [("Stock type", "stock_type"), ("Site", "site"), ("Storage location", "storage_location_id")],
    [("Stock batch", "batch_id"), ("Valuation type", "valuation"), ("Special stock", "special_stock_code"), ("Value", "current_value")],
    [
        ("Customer", "customer_id"),
        ("Sales order", "sales_order_id"),
        ("Vendor", "vendor_id"),
        ("Last goods movement", "last_movement_date"),
    ],
    [("Last movement", "last_movement"), ("Document", "last_document_id"), ("Told by", "last_witness_names")],
    [("Handling unit", "handling_unit_id"), ("Part of", "parent"), ("Was", "previous_article_id"), ("Became", "next_article_id")],
    [("Movements", "movement_count"), ("Sales", "sale_count"), ("Returns", "return_count"), ("Repairs", "repair_count")],
]

_PLACE_THEN = [
    ("State", "unit_state"),
    ("Status", "status_code"),
    ("Site", "to_site_id"),
    ("Storage location", "to_storage_location_id"),
    ("Stock type", "stock_type_code"),
    ("Special stock", "special_stock_code"),
]

_HISTORY_THEN = ["moved_at", "movement_type", "document_id", "to_site_id", "unit_state", "witness_names", "conflict_code"]

_UNIT = """
select
    serials.*,
    concat_ws(' ', status_code, status_name) as status,
    concat_ws(' ', stock_type_code, stock_type_name) as stock_type,
    concat_ws(' ', valuation_type, nullif(valuation_type_name, valuation_type)) as valuation,
    concat_ws(' ', last_movement_type, last_movement_name) as last_movement,
    nullif(concat_ws(' / ', parent_article_id, parent_serial_number), '') as parent,
    concat_ws(' ', serials.site_id, sites.site_name) as site
from serials
left join sites on serials.site_id = sites.site_id
where serial_number = ? and (? is null or article_id = ?)
order by article_id
"""

_HISTORY = """
select
    left(cast(moved_at as varchar), case when is_moment_known then 19 else 10 end) as moved,
    movement_type as type,
    movement_name as movement,
    document_id as document,
    concat_ws('/', from_site_id, from_storage_location_id) as "from",
    concat_ws('/', to_site_id, to_storage_location_id) as "to",
    unit_state as "state after",
    witness_names as witnesses,
    coalesce(conflict_code, '') as conflict
from serial_movements
where serial_number = ? and article_id = ?
order by sequence_number
"""


def find_units(home: Home, serial_number: str, article_id: str | None) -> pl.DataFrame:
    """Cards of all units with this serial number, or the one of this article; one row each."""
    serial = normalised(serial_number)
    article = normalised(article_id) if article_id else None
    return query(home.published, _UNIT, [serial, article, article])


def show_unit(console: Console, home: Home, unit: dict[str, object]) -> None:
    """Print a unit's card and its history, newest last."""
    rows = []
    for fields in _CARD:
        grid = Table.grid(padding=(0, 3))
        grid.add_row(*(f"[dim]{label}[/dim] {unit[name] if unit[name] not in (None, '') else '-'}".strip() for label, name in fields))
        rows.append(grid)
    if unit["status_conflict"]:
        rows.append(f"[bold red]Conflicts[/bold red] {unit['conflict_reasons']}")
    console.print(Panel(Group(*rows), title=f"{unit['article_id']} / {unit['serial_number']}", title_align="left"))
    history = query(home.published, _HISTORY, [unit["serial_number"], unit["article_id"]])
    show_rows(console, "History, newest last", history)


def show_unit_at(
    console: Console, home: Home, serial_number: str, article_id: str | None, *, as_of: datetime | None, known_at: datetime | None
) -> bool:
    """Print where the units with this serial number were at a moment, by what was known at another, with their history until then.

    Without `as_of` the end of the history counts, without `known_at` what is known today. Returns whether there was any unit.
    """
    serial, article = normalised(serial_number), normalised(article_id) if article_id else None
    source, asked = ("serial_history_known_at(?, ?)", [serial, known_at]) if known_at else ("serial_movements", [])
    told = query(
        home.published,
        f"select * from {source} where serial_number = ? and (? is null or article_id = ?) and moved_at <= ? order by sequence_number",  # noqa: S608
        [*asked, serial, article, article, as_of or datetime(9999, 1, 1)],
    )
    for (unit_article,), history in told.group_by("article_id", maintain_order=True):
        last = history.row(-1, named=True)
        moments = {"as of": as_of, "as known at": known_at}
        when = ", ".join(f"{name} {moment:%Y-%m-%d %H:%M:%S}" for name, moment in moments.items() if moment)
        grid = Table.grid(padding=(0, 3))
        grid.add_row(*(f"[dim]{label}[/dim] {last[name] or '-'}" for label, name in _PLACE_THEN))
        console.print(Panel(grid, title=f"{unit_article} / {serial}, {when}", title_align="left"))
        show_rows(console, "History until then, newest last", history.select(_HISTORY_THEN))
    return not told.is_empty()


def normalised(key: str) -> str:
    """A key as the ledger writes it: no blanks, capital letters, no leading zeros where it is all digits."""
    text = key.strip().upper()
    return text.lstrip("0") or "0" if text.isdigit() else text
