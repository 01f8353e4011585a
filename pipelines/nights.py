"""Nights: published tables that grow by one sorted file a night, instead of being written whole.

How the rows of changed units are stored, and what they replace, belongs here. When a table is published does not
(pipelines/publish.py), nor how the file that analysts open reads it (pipelines/views.py). See README.md, section "What lies where".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipelines.contracts import Contract
from pipelines.lake import Lake, Rows
from pipelines.views import View
from pipelines.warehouse import Connection, newest_moment, row_count, sorted_rows

__all__ = ["appended", "bring", "replaced_table", "replaced_version", "view_of"]

NIGHT = "_night"
"""Column of a stored table that says with which night a row came; a unit's rows count from its newest night on."""
_UNIT = ("serial_number", "article_id")
_CHANGES = "intermediate.int_units_changed"
_MOST_NIGHTS = 30
"""Nights after which a table is written whole, should the weekly house-keeping never have run: each costs a look-up one more file."""
_LARGE_SHARE = 5
"""A night that changes more than one row in five is written whole."""


@dataclass(frozen=True)
class Appended:
    """Where rows of changed units stand in the warehouse, when they changed, and the columns stored in place of computed ones.

    `in_ranges_of` names the column in whose ranges the rows are written, where it is not the first that they are sorted by.
    """

    relation: str
    changed_at: str
    beside: tuple[str, ...]
    in_ranges_of: str | None

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> Appended:
        """From the contract's property `appendedFrom`."""
        return cls(told["relation"], told["changedAt"], tuple(told.get("storedBeside", ())), told.get("inRangesOf"))


def appended(contract: Contract) -> Appended | None:
    """How the table is appended to, or None where it is written whole whenever it changes."""
    told = contract.custom("appendedFrom")
    return Appended.of(told) if told else None


def bring(connection: Connection, lake: Lake, contract: Contract, *, made_by: str, whole: bool = False) -> bool:
    """Bring a mart to gold: the units that changed since, or all of it. Returns whether anything was written.

    What a night replaces is written first; only the commit of the rows, which names that version, makes it count. So a night that
    breaks off between the two is simply done again.
    """
    how, gold = Appended.of(contract.custom("appendedFrom")), f"gold/{contract.name}"
    columns = [c.name for c in contract.columns if not c.expression] + list(how.beside)
    identity = {"columns": ",".join(f"{c.name}:{c.physical_type}" for c in contract.columns), "made_by": made_by}
    until = newest_moment(connection, _CHANGES, "ingested_at")
    kept = lake.fingerprint(gold) or {}
    is_same = identity.items() <= kept.items()
    if is_same and kept["until"] == until and not (whole and kept["night"]):
        return False
    identity["until"] = until
    sorted_by = contract.custom("sortedBy", [])
    since = f"> timestamp '{kept.get('until')}'"
    if whole or not is_same or not kept["until"] or until < kept["until"] or kept["night"] >= _MOST_NIGHTS:
        is_large = True
    else:
        changed = row_count(connection, how.relation, f"{how.changed_at} {since}")
        is_large = changed * _LARGE_SHARE > row_count(connection, how.relation)

    def rows(night: int, condition: str = "true") -> Rows:
        stored = {**dict.fromkeys(columns), NIGHT: f"{night}::integer"}
        return sorted_rows(connection, how.relation, stored, sorted_by, condition, in_ranges_of=how.in_ranges_of)

    if is_large:
        lake.replace(gold, rows(0), {**identity, "night": 0, "replaced": None}, sorted_by=sorted_by)
        return True
    night = kept["night"] + 1
    unit = {"serial_number": None, "article_id": None, NIGHT: f"{night}::integer"}
    changes = f"(select distinct article_id, serial_number from {_CHANGES} where ingested_at {since})"  # noqa: S608 - our own names
    units = sorted_rows(connection, changes, unit, _UNIT)
    # The first night after the table was written whole begins anew: what earlier ones replaced is gone.
    note = lake.replace if night == 1 else lake.append_sorted
    replaced = note(replaced_table(contract.name), units, {"night": night}, sorted_by=_UNIT)
    changed_rows = rows(night, f"{how.changed_at} {since}")
    lake.append_sorted(gold, changed_rows, {**identity, "night": night, "replaced": replaced}, sorted_by=sorted_by)
    return True


def replaced_table(name: str) -> str:
    """Where it is noted which units' rows of a published table a night has replaced."""
    return f"replaced/{name}"


def replaced_version(lake: Lake, name: str, version: int) -> int | None:
    """The version of that note which belongs to a version of the published table; None where it replaces nothing."""
    return (lake.fingerprint(f"gold/{name}", version) or {}).get("replaced")


def view_of(lake: Lake, contract: Contract, version: int) -> View:
    """The view on exactly one version of a gold table; one that is not stored by nights holds every column itself."""
    files, stored = lake.files(f"gold/{contract.name}", version), lake.fingerprint(f"gold/{contract.name}", version) or {}
    if not appended(contract) or "night" not in stored:
        return View(contract, files)
    replaced = stored["replaced"]
    return View(
        contract,
        files,
        replaced=lake.files(replaced_table(contract.name), replaced) if replaced is not None else (),
        computed={c.name: c.expression for c in contract.columns if c.expression},
    )
