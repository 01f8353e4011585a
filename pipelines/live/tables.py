"""Tables of live systems: how a contract's columns become one query on the system's own relations.

Putting queries together belongs here. Names of any one system do not (tryton.py), nor does running queries (postgres.py).
The rows of a query have the columns of the contract, in its order, so that files need no mapping.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import polars as pl

from pipelines.contracts import Column, Contract
from pipelines.live.errors import LiveError
from pipelines.live.postgres import Database

__all__ = ["LiveSystem", "LiveTable", "Part"]

_JOINED = re.compile(r"left join (\w+)")
_OURS = ("extracted_at", "is_deleted")
"""Columns that every file has besides the system's own: the moment of the snapshot, and whether the row is gone."""


@dataclass(frozen=True)
class Part:
    """One relation of a table, read as `entry`: SQL of columns that are not its own, and what is joined to it.

    `joined` names columns needed of other relations; a join of `optional` is left out, and its columns are null, where the
    relation, named by its key, is not there.
    """

    relation: str
    columns: Mapping[str, str]
    joins: str = ""
    joined: Mapping[str, Sequence[str]] = field(default_factory=dict)
    optional: Mapping[str, str] = field(default_factory=dict)

    def key(self) -> str:
        """Query for the keys of all rows."""
        return f"select {self.columns.get('id', 'entry.id')} from {self.relation} as entry"

    def needed(self, contract: Contract) -> dict[str, list[str]]:
        """Columns that have to be there, by relation."""
        own = [c.name for c in contract.columns if c.name not in self.columns and c.name not in _OURS]
        return {self.relation: own, **{relation: list(names) for relation, names in self.joined.items()}}

    def query(self, contract: Contract, *, extracted_at: str, absent: Sequence[str]) -> str:
        """Query for all rows, with the contract's columns in their order."""
        ours = {"extracted_at": f"'{extracted_at}'", "is_deleted": "0"}
        gone = {relation: relation in absent for relation in self.optional}
        joins = [self.joins, *(join for relation, join in self.optional.items() if not gone[relation])]

        def expression(column: Column) -> str:
            sql = ours.get(column.name) or self.columns.get(column.name, f'entry."{column.name}"')
            if any(sql.startswith(f"{relation}.") and is_gone for relation, is_gone in gone.items()):
                return "null"
            return f"({sql})::int" if column.dtype == pl.Boolean else sql

        columns = ", ".join(f'{expression(c)} as "{c.name}"' for c in contract.columns)
        return f"select {columns} from {self.relation} as entry {' '.join(joins)}"


@dataclass(frozen=True)
class LiveTable:
    """One bronze table, and the relations that fill it."""

    name: str
    parts: Sequence[Part]

    def definition(self, contract: Contract) -> str:
        """Changes when the query does: then what was read before lacks something, and all is read again."""
        text = "\n".join(
            [*contract.polars_schema, *(f"{part.relation} {sorted(part.columns.items())} {part.joins}" for part in self.parts)]
        )
        return hashlib.sha256(text.encode()).hexdigest()[:16]


@dataclass(frozen=True)
class LiveSystem:
    """A system that is read live: its tables, and the module that brings each relation."""

    name: str
    tables: Sequence[LiveTable]
    modules: Mapping[str, str]
    default_module: str

    def absent(self, database: Database) -> list[str]:
        """Optional relations that are not there."""
        return database.missing({relation: [] for table in self.tables for part in table.parts for relation in part.optional})

    def check(self, database: Database, contracts: Mapping[str, Contract]) -> None:
        """Raise LiveError that names every relation or column that is missing, with its module, or that must not be read."""
        needed: dict[str, list[str]] = {}
        for table in self.tables:
            for part in table.parts:
                for relation, names in part.needed(contracts[f"{self.name}/{table.name}"]).items():
                    needed[relation] = list(dict.fromkeys([*needed.get(relation, []), *names]))
        if missing := database.missing(needed):
            modules = sorted({self.modules.get(m) or self.modules.get(m.split(".")[0], self.default_module) for m in missing})
            raise LiveError(
                f"Database {database.name} lacks {', '.join(missing)}: is it the right database, "
                f"and are the modules {', '.join(modules)} of a supported release activated?"
            )
        absent = self.absent(database)
        joins = [join for table in self.tables for part in table.parts for name, join in part.optional.items() if name not in absent]
        if forbidden := database.forbidden([*needed, *(name for join in joins for name in _JOINED.findall(join))]):
            raise LiveError(
                f"The user may not read {', '.join(forbidden)} of database {database.name}: "
                "grant it select on them (pipelines/sources/TRYTON.md has the statement)."
            )
