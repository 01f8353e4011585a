"""Views: the SQL of the published file's views and macros, over the Parquet files of exactly one version of each table.

Text in, text out: creating them belongs in pipelines/warehouse.py; which tables and versions are shown, in pipelines/publish.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pipelines.contracts import Contract

__all__ = ["Macro", "View", "definition_of_macro", "definition_of_view", "literal", "query_of", "stored_rows"]


@dataclass(frozen=True)
class View:
    """One table of the published file: its contract, and the Parquet files of exactly one Delta version; or a query over the others.

    `replaced` names the files that say which units' rows a later night has replaced, where the table grows by nights
    (pipelines/nights.py); `computed` are columns that are not stored, by name.
    """

    contract: Contract
    files: Sequence[Path] = ()
    replaced: Sequence[Path] = ()
    computed: Mapping[str, str] = field(default_factory=dict)
    sql: str | None = None


@dataclass(frozen=True)
class Macro:
    """One table macro of the published file: a query with parameters, that reads one of the file's views."""

    name: str
    parameters: Sequence[str]
    table: str
    sql: str
    description: str


def definition_of_view(view: View) -> str:
    """The statements that make a view, in place of the one that was, with its description and those of its columns."""
    name, columns = view.contract.name, [*view.contract.columns, *view.contract.computed_columns]
    return ";\n".join(
        [
            f'create or replace view "{name}" as {query_of(view)}',
            f'comment on view "{name}" is {literal(f"{view.contract.grain} {view.contract.description}")}',
            *(f'comment on column "{name}"."{column.name}" is {literal(column.description)}' for column in columns),
        ]
    )


def definition_of_macro(macro: Macro) -> str:
    """The statements that make a macro, in place of the one that was, with its description."""
    made = f'create or replace macro "{macro.name}"({", ".join(macro.parameters)}) as table {macro.sql}'
    return f'{made};\ncomment on macro table "{macro.name}" is {literal(macro.description)}'


def query_of(view: View, rows: str | None = None, condition: str = "true") -> str:
    """The query of a view; `rows` stands for all of its files where only some are asked for, those of a condition on units."""
    columns = view.contract.columns
    selected = ", ".join(f'{view.computed[c.name]} as "{c.name}"' if c.name in view.computed else f'"{c.name}"' for c in columns)
    stored = f"select {selected} from {_standing_rows(view, rows or _files(view.files), condition)}" if view.files else None  # noqa: S608 - our own names
    source = view.sql or stored or _no_rows(view.contract)
    if computed := view.contract.computed_columns:
        added = ", ".join(f'cast({c.expression} as {c.physical_type}) as "{c.name}"' for c in computed)
        source = f"select *, {added} from ({source})"  # noqa: S608 - our own names
    return source


def _standing_rows(view: View, rows: str, condition: str) -> str:
    """The stored rows but those that a later night has replaced.

    A left join, not an anti-join: only through it does a condition on the serial number reach both sides.
    """
    if not view.replaced:
        return rows
    newest = f"""
        select serial_number as s, article_id as a, max(_night) as newest_night from {_files(view.replaced)}
        where {condition} group by all
    """  # noqa: S608 - our own names
    return f"""(
        select stored.* from {rows} as stored
        left join ({newest}) as units on stored.serial_number = units.s and stored.article_id = units.a
        where units.newest_night is null or stored._night >= units.newest_night
    )"""  # noqa: S608 - our own names


def _files(paths: Sequence[Path]) -> str:
    return f"read_parquet([{', '.join(literal(str(path)) for path in paths)}])"


def stored_rows(contract: Contract, files: Sequence[Path]) -> str:
    """What a query reads a stored table from; one that never had a row has no file to tell its columns."""
    return _files(files) if files else f"({_no_rows(contract)})"


def _no_rows(contract: Contract) -> str:
    columns = ", ".join(f'null::{c.physical_type} as "{c.name}"' for c in contract.columns)
    return f"select {columns} where false"


def literal(value: str) -> str:
    """A text as SQL writes it."""
    return "'" + value.replace("'", "''") + "'"
