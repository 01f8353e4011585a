"""Warehouse: DuckDB as the engine, and the one file that analysts open.

Reading marts, fingerprinting them, and building the published file belong here, and nothing else imports duckdb.
Which tables are published, and when, does not (pipelines/publish.py). See README.md, section "Query it".
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any

import duckdb
import duckdb_extensions
import polars as pl
import pyarrow as pa

from pipelines.contracts import Contract
from pipelines.views import Macro, View, definition_of_macro, definition_of_view, literal

__all__ = [
    "Connection",
    "QueryError",
    "build_published_file",
    "compact",
    "in_memory",
    "install_delta_extension",
    "newest_moment",
    "newest_movement_date",
    "query",
    "reading",
    "reading_only",
    "row_count",
    "row_counts",
    "sorted_rows",
    "syntax_of",
    "table_fingerprint",
    "table_rows",
]


_FACTS = {
    "published_at": "When the file was published, UTC.",
    "home": "Folder whose Parquet files the views name.",
    "as_of_date": "Day of the newest movement that was known: what ages and terms are counted up to.",
    "ingested_until": "Moment of ingestion, UTC, up to which the facts hold everything; what came later is live.",
    "live_until": "Moment of ingestion, UTC, up to which the live tables hold everything that no contract holds back.",
    "live_version": "Versions of the manifest and of people's decisions that the live tables show.",
    "manifest_version": "Delta version of the manifest: which files had been loaded.",
    "model_version": "Hash of the dbt project and the contracts that built the tables.",
    "gold_versions": "Delta version of each published table.",
}

_SORTED_ROWS = 5_000_000
"""Rows that are sorted at once: of the widest table, some 3 GiB."""
_BATCH_ROWS = 210_000
"""A multiple of the rows of a row group in gold: its writer takes batches in an order of its own, and none should share a group."""

_DEFINITIONS = "publishing.definitions"

QueryError = duckdb.Error
"""What a query raises that DuckDB refuses."""


Connection = duckdb.DuckDBPyConnection
"""An open database."""


def install_delta_extension() -> None:
    """Put DuckDB's delta extension, which comes as a wheel, where DuckDB looks for it; no network is used."""
    duckdb_extensions.import_extension("delta")


@contextmanager
def reading(path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A read-only connection to a DuckDB file.

    It keeps the footers of the Parquet files that it has read: no publication changes a file, and a third of a unit's
    look-up is reading them again.
    """
    if not path.exists():
        raise FileNotFoundError(f"{path}: nothing is published yet; run `serialake run` first")
    connection = duckdb.connect(str(path), read_only=True)
    try:
        connection.execute("set parquet_metadata_cache = true")
        yield connection
    finally:
        connection.close()


def compact(path: Path) -> tuple[int, int]:
    """Give free what deleted rows still hold of a DuckDB file; nobody else may have it open. Returns bytes in use before and after.

    DuckDB merges row groups that have become small at a checkpoint, a hundred at most, and only where there is anything to write:
    a night, which writes into every table, is told to merge few (profiles.yml), so that its cost follows what has changed.
    """
    limits = {"memory_limit": os.environ.get("SERIALAKE_MEMORY", "5GB"), "temp_directory": str(path.with_name(".warehouse_temp"))}
    with duckdb.connect(str(path), config=limits) as connection:
        before = now = _bytes_in_use(connection)
        while True:
            connection.execute("create or replace table main.compacted as select now() as compacted_at; checkpoint")
            last, now = now, _bytes_in_use(connection)
            if now > last * 0.99:
                return before, now


def _bytes_in_use(connection: duckdb.DuckDBPyConnection) -> int:
    return connection.execute("select used_blocks * block_size from pragma_database_size()").fetchone()[0]


@contextmanager
def in_memory() -> Iterator[duckdb.DuckDBPyConnection]:
    """A database of its own in memory, that reads Delta tables; it knows nothing of the warehouse, and locks nobody out."""
    install_delta_extension()
    # Queries over a few new rows: a second thread gains little, and takes from the night and the analysts.
    with duckdb.connect(config={"preserve_insertion_order": False}) as connection:
        connection.execute("load delta")
        yield connection


@contextmanager
def reading_only(path: Path, folders: Sequence[Path]) -> Iterator[duckdb.DuckDBPyConnection]:
    """A read-only connection for a query with words of a user in it: it opens no file but those below `folders`, and no
    setting of it can be changed.
    """
    with reading(path) as connection:
        connection.execute(f"set allowed_directories = [{', '.join(literal(str(folder)) for folder in folders)}]")
        connection.execute("set enable_external_access = false")
        connection.execute("set lock_configuration = true")
        yield connection


def syntax_of(sql: str) -> dict[str, Any]:
    """Syntax tree of one SELECT, which is not run. Raises QueryError for what DuckDB cannot parse, or what is not one SELECT."""
    with duckdb.connect() as connection:
        tree = json.loads(connection.execute("select json_serialize_sql(?::varchar)", [sql]).fetchone()[0])
    if tree["error"]:
        raise duckdb.ParserException(tree["error_message"])
    if len(tree["statements"]) != 1:
        raise duckdb.ParserException("more than one statement")
    return tree["statements"][0]["node"]


def query(path: Path, sql: str, parameters: Sequence[object] = ()) -> pl.DataFrame:
    """Result of one query on a DuckDB file, opened read-only."""
    with reading(path) as connection:
        return connection.execute(sql, list(parameters)).pl()


def newest_movement_date(path: Path) -> date | None:
    """Day of the newest movement in the ledger; one that is dated beyond its own delivery does not count beyond it. None without any."""
    if "int_serial_states" not in row_counts(path):
        return None
    return query(path, "select cast(least(max(last_moved_at), max(ingested_at)) as date) from intermediate.int_serial_states").item()


def row_counts(path: Path) -> dict[str, int]:
    """Rows of every table of a DuckDB file by table name; views are left out. Empty where there is no file."""
    if not path.exists():
        return {}
    return dict(query(path, "select table_name, estimated_size from duckdb_tables()").iter_rows())


def table_fingerprint(connection: duckdb.DuckDBPyConnection, table: str, contract: Contract) -> dict[str, object]:
    """Content of a mart as numbers that do not depend on row order: rows, sum and exclusive-or of row hashes, columns."""
    columns = ", ".join(f'"{c.name}"' for c in contract.columns)
    rows, total, mixed = connection.execute(
        f"select count(*), coalesce(sum(h), 0)::varchar, coalesce(bit_xor(h), 0)::varchar from (select hash({columns}) as h from {table})"
    ).fetchone()
    return {"rows": rows, "sum": total, "xor": mixed, "columns": ",".join(f"{c.name}:{c.physical_type}" for c in contract.columns)}


def table_rows(connection: duckdb.DuckDBPyConnection, table: str, contract: Contract) -> pa.RecordBatchReader:
    """Rows of a mart as a stream, in the contract's columns and sorted for their readers."""
    return sorted_rows(connection, table, dict.fromkeys(c.name for c in contract.columns), contract.custom("sortedBy", []))


def newest_moment(connection: duckdb.DuckDBPyConnection, table: str, column: str) -> str:
    """The greatest timestamp of a column, as text that compares as timestamps do; blank where there is none."""
    (newest,) = connection.execute(f"select max({column}) from {table}").fetchone()
    return newest.isoformat(sep=" ", timespec="microseconds") if newest else ""


def row_count(connection: duckdb.DuckDBPyConnection, table: str, condition: str = "true") -> int:
    """Rows of a table for which a condition holds."""
    return connection.execute(f"select count(*) from {table} where {condition}").fetchone()[0]


def sorted_rows(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    columns: Mapping[str, str | None],
    sorted_by: Sequence[str],
    condition: str = "true",
    *,
    in_ranges_of: str | None = None,
) -> pa.RecordBatchReader:
    """Rows as a sorted stream. `columns` gives, by name, what makes a column where it is not the table's own.

    What is too much to be sorted in memory is read in as many ranges of the column `in_ranges_of`, or the first that they are sorted by,
    one after the other. It is never null.
    """
    named = ", ".join(f'{made} as "{name}"' if made else f'"{name}"' for name, made in columns.items())
    order = ", ".join(f'"{name}"' for name in sorted_by)
    query = f"select {named} from {table} where {condition} and {{}} order by {order}"
    ranges = row_count(connection, table, condition) // _SORTED_ROWS + 1
    if ranges == 1:
        return connection.execute(query.format("true")).to_arrow_reader(_BATCH_ROWS)
    first = f'"{in_ranges_of or sorted_by[0]}"'
    sampled = f"(select {first} from {table} where {condition}) using sample reservoir(20000 rows) repeatable (7)"
    found = [value for (value,) in connection.execute(f"select distinct {first} from {sampled} order by 1").fetchall()]
    bounds = [found[len(found) * at // ranges] for at in range(1, ranges)]
    conditions = [f"{first} < $1", *[f"{first} >= $1 and {first} < $2"] * (ranges - 2), f"{first} >= $1"]
    given = [bounds[:1], *([low, high] for low, high in pairwise(bounds)), bounds[-1:]]
    schema = connection.execute(query.format("false")).to_arrow_reader(_BATCH_ROWS).schema

    def batches() -> Iterator[pa.RecordBatch]:
        for within, values in zip(conditions, given, strict=True):
            yield from connection.execute(query.format(within), values).to_arrow_reader(_BATCH_ROWS)

    return pa.RecordBatchReader.from_batches(schema, batches())


def build_published_file(target: Path, views: Sequence[View], facts: Mapping[str, object], macros: Sequence[Macro] = ()) -> None:
    """Build a new file of documented views and macros beside `target` and swap it in with one rename.

    `facts` become the one row of the table `publication`. Connections that are open keep the file they opened. What the file has already
    as it should be is not made again: most publications change a few of its tables.
    """
    wanted = {view.contract.name: definition_of_view(view) for view in views} | {macro.name: definition_of_macro(macro) for macro in macros}
    digests = {name: _digest(definition) for name, definition in wanted.items()}
    building = target.with_name(f".{target.name}.new")
    _remove_unfinished(target)
    try:
        held = _copied(target, building)
        if held.keys() != digests.keys():
            held = {}
            building.unlink(missing_ok=True)
        with duckdb.connect(str(building)) as connection:
            # Some two thousand statements, and one commit.
            connection.execute("begin")
            _create_publication(connection, facts)
            for name, definition in wanted.items():
                if held.get(name) != digests[name]:
                    connection.execute(definition)
            _note_definitions(connection, digests)
            connection.execute("commit; checkpoint")
        building.replace(target)
    finally:
        _remove_unfinished(target)


def _copied(published: Path, building: Path) -> dict[str, str]:
    """What the views and macros of the copy of a published file were made from, as digests by name; empty where it does not tell.

    Asked of the copy: whoever has an earlier file open in this process would be shown that one again.
    """
    if not published.exists():
        return {}
    shutil.copyfile(published, building)
    with duckdb.connect(str(building)) as connection:
        try:
            return dict(connection.execute(f"select name, digest from {_DEFINITIONS}").fetchall())
        except duckdb.CatalogException:
            return {}


def _note_definitions(connection: duckdb.DuckDBPyConnection, digests: Mapping[str, str]) -> None:
    connection.execute("create schema if not exists publishing")
    told = [list(digests), list(digests.values())]
    connection.execute(f"create or replace table {_DEFINITIONS} as select unnest($1) as name, unnest($2) as digest", told)
    connection.execute(f"comment on table {_DEFINITIONS} is 'One row per view and macro: a publication makes anew those that differ.'")
    connection.execute(f"comment on column {_DEFINITIONS}.name is 'View or macro.'")
    connection.execute(f"comment on column {_DEFINITIONS}.digest is 'SHA-256 of the statements that made it.'")


def _digest(definition: str) -> str:
    return hashlib.sha256(definition.encode()).hexdigest()


def _remove_unfinished(target: Path) -> None:
    """Remove what a publish that was killed, or found the disk full, has left beside the file."""
    for left_behind in target.parent.glob(f".{target.name}.*"):
        left_behind.unlink(missing_ok=True)


def _create_publication(connection: duckdb.DuckDBPyConnection, facts: Mapping[str, object]) -> None:
    facts = {"as_of_date": None, **facts}
    values = ", ".join(f"cast(? as date) as {name}" if name == "as_of_date" else f"? as {name}" for name in facts)
    connection.execute(f"create or replace table publication as select {values}", list(facts.values()))
    connection.execute("comment on table publication is 'One row: when this file was published, and from what.'")
    for name in facts:
        connection.execute(f"comment on column publication.{name} is {literal(_FACTS[name])}")
