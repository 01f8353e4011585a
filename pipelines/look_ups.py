"""Look-ups: table macros of the published file that find one unit's card and history in the files that can hold it.

A view asks every row group of every file for every column; at 100 million movements that alone takes a quarter of a second. The files are
sorted by serial number, and the log tells from which to which each reaches: so a macro's query falls apart into one per file, and all but
the unit's own are gone before any row group is asked. Their footers are read once by each connection. What the views show does not belong
here (pipelines/views.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pipelines.lake import FileRange, Lake
from pipelines.views import Macro, View, literal, query_of

__all__ = ["LOOK_UPS", "look_up_macros"]

LOOK_UPS = {
    "serials": ("unit_card", "The card of the units with this serial number: columns as in serials, but quicker."),
    "serial_movements": (
        "unit_history",
        "The movements of the units with this serial number: columns as in serial_movements, but quicker.",
    ),
}
"""Macro by the table that it looks into."""
_PARAMETER = "asked_serial_number"
_ASKED = f"cast({_PARAMETER} as varchar)"
"""A number would turn the ranges into numbers."""
_KEY = "serial_number"


def look_up_macros(lake: Lake, views: Sequence[View], versions: Mapping[str, int]) -> list[Macro]:
    """The macros of those of the views that are looked into, at these versions of their tables."""
    macros = []
    for view in views:
        name = view.contract.name
        if name in LOOK_UPS:
            macro, description = LOOK_UPS[name]
            ranges = lake.file_ranges(f"gold/{name}", versions[name], _KEY)
            sql = query_of(view, _rows(ranges), f"{_KEY} = {_ASKED}") if ranges else query_of(view)
            macros.append(Macro(macro, (_PARAMETER,), name, sql, description))
    return macros


def _rows(ranges: Sequence[FileRange]) -> str:
    """The rows of the unit asked for, file by file: constants alone decide which files remain."""
    parts = []
    for each in ranges:
        within = f" and {_ASKED} between {literal(each.least)} and {literal(each.most)}" if _is_told(each) else ""
        parts.append(f"select * from read_parquet([{literal(str(each.path))}]) where {_KEY} = {_ASKED}{within}")  # noqa: S608 - our own names
    return f"({' union all '.join(parts)})"


def _is_told(each: FileRange) -> bool:
    """Whether the log tells the range, in letters that SQL can hold."""
    return each.least is not None and each.most is not None and "\x00" not in each.least + each.most
