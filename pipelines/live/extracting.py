"""Extract: what changed in a live system becomes whole files below landing/, and the watermark follows them.

The order of steps, the files and the watermark belong here. Queries do not (tables.py), nor does the snapshot (postgres.py).
A crash at any instant loses nothing: files come before the watermark, so at worst the same rows are read once more.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import polars as pl
from filelock import FileLock, Timeout

from pipelines.contracts import Contract
from pipelines.home import Home
from pipelines.lake import Lake
from pipelines.live.errors import LiveError
from pipelines.live.postgres import Database, reading
from pipelines.live.tables import LiveSystem, LiveTable

__all__ = ["EXTRACTIONS", "Extraction", "alone", "connection_string", "extract"]

EXTRACTIONS = "extractions"
"""Delta table of the watermarks: one row per extraction and table."""

EXTRACTIONS_SCHEMA: dict[str, pl.DataType] = {
    "system": pl.String(),
    "table_name": pl.String(),
    "extracted_at": pl.Datetime("us"),
    "database_id": pl.String(),
    "oldest_running": pl.Int64(),
    "definition": pl.String(),
    "rows": pl.Int64(),
    "rows_deleted": pl.Int64(),
}

ROWS_PER_FILE = 250_000


@dataclass(frozen=True)
class Extraction:
    """What one extraction wrote: moment of its snapshot (UTC), files below landing/, rows changed and rows gone by table."""

    extracted_at: datetime
    files: tuple[str, ...] = ()
    changed: dict[str, int] = field(default_factory=dict)
    deleted: dict[str, int] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        """Rows in all files."""
        return sum(self.changed.values()) + sum(self.deleted.values())


def connection_string(system: LiveSystem) -> str:
    """The connection string that the environment holds. Raises LiveError where it does not."""
    name = f"SERIALAKE_{system.name.upper()}_DSN"
    if value := os.environ.get(name):
        return value
    raise LiveError(f"{name} is not set: export it as postgresql://user:password@host:5432/database")


def extract(
    system: LiveSystem,
    home: Home,
    lake: Lake,
    contracts: Mapping[str, Contract],
    *,
    connection_string: str,
    is_full: bool = False,
) -> Extraction:
    """Write what changed since the last extraction, or everything, and return what was written.

    Raises LiveError, and leaves no file that anybody takes, where the system cannot be read.
    """
    with alone(home, system.name):
        # Hidden, so that nobody takes what is in it, until one rename shows all tables of the snapshot at once.
        folder = home.landing / system.name / ".unfinished"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        lake.ensure(EXTRACTIONS, EXTRACTIONS_SCHEMA)
        past = lake.read(EXTRACTIONS).filter(pl.col("system") == system.name).sort("extracted_at")
        with reading(connection_string) as database:
            system.check(database, contracts)
            _must_be_the_same(database, past, is_full=is_full)
            moment = max([database.snapshot.taken_at, *(at + timedelta(microseconds=1) for at in past["extracted_at"].tail(1))])
            writer = _Writer(system, folder, lake, contracts, database, moment, past.clear() if is_full else past)
            for table in system.tables:
                writer.write(table)
        return _delivered(writer, lake)


def _delivered(writer: _Writer, lake: Lake) -> Extraction:
    """Show the files under their final name, and then move the watermark."""
    done = writer.result()
    if done.rows:
        writer.folder.rename(writer.folder.with_name(writer.name))
        marks = pl.DataFrame(writer.marks, schema=EXTRACTIONS_SCHEMA, orient="row")
        lake.append_batch_once(EXTRACTIONS, marks, f"{writer.system.name}/{writer.moment.isoformat()}")
    return done


class _Writer:
    """Writes the files of one extraction into a folder that nobody looks at, and keeps account of them."""

    def __init__(
        self,
        system: LiveSystem,
        folder: Path,
        lake: Lake,
        contracts: Mapping[str, Contract],
        database: Database,
        moment: datetime,
        past: pl.DataFrame,
    ) -> None:
        """Take what all tables share; `past` holds the watermarks in order of time."""
        self.system, self.folder, self.lake, self.contracts = system, folder, lake, contracts
        self.database, self.moment, self.past = database, moment, past
        self.name = f"{moment:%Y%m%dT%H%M%S%fZ}_before_{database.snapshot.oldest_running}"
        self.files: list[str] = []
        self.marks: list[tuple] = []

    def write(self, table: LiveTable) -> None:
        """Write the rows of one table that changed, and the keys of those that are gone."""
        contract = self.contracts[f"{self.system.name}/{table.name}"]
        definition = table.definition(contract)
        marks = self.past.filter((pl.col("table_name") == table.name) & (pl.col("definition") == definition))
        since = marks["oldest_running"].to_list()[-1] if marks.height else None
        gone = self._gone(table, contract)
        lines = self._lines(table, contract, since, gone)
        count = self._files(table, contract, lines)
        snapshot = self.database.snapshot
        mark = (self.system.name, table.name, self.moment, snapshot.database_id, snapshot.oldest_running, definition)
        self.marks.append((*mark, count - gone.len(), gone.len()))

    def result(self) -> Extraction:
        """What was written."""
        names = {column: at for at, column in enumerate(EXTRACTIONS_SCHEMA)}
        by_table = {mark[names["table_name"]]: mark for mark in self.marks}
        return Extraction(
            self.moment,
            tuple(f"{self.system.name}/{self.name}/{file}" for file in self.files),
            {table: mark[names["rows"]] for table, mark in by_table.items()},
            {table: mark[names["rows_deleted"]] for table, mark in by_table.items()},
        )

    def _lines(self, table: LiveTable, contract: Contract, since: int | None, gone: pl.Series) -> Iterator[bytes]:
        absent = self.system.absent(self.database)
        for part in table.parts:
            query = part.query(contract, extracted_at=self.moment.isoformat(), absent=absent)
            yield from self.database.rows(f"{query} where {self.database.snapshot.changed_since('entry', since)} order by entry.id")
        ours = {"id": pl.col("id"), "extracted_at": pl.lit(self.moment.isoformat()), "is_deleted": pl.lit("1")}
        blank = pl.lit(None, dtype=pl.String)
        rows = pl.DataFrame({"id": gone}).select(ours.get(name, blank).alias(name) for name in contract.polars_schema)
        yield from rows.write_csv(include_header=False).encode().splitlines(keepends=True)

    def _gone(self, table: LiveTable, contract: Contract) -> pl.Series:
        """Keys that the lake holds, and the system no longer: a row that was deleted leaves no trace but its absence."""
        dtype = contract.polars_schema["id"]
        bronze = f"bronze/{contract.table}"
        if not self.lake.exists(bronze) or not self.lake.row_count(bronze):
            return pl.Series("id", [], dtype=dtype)
        known = self.lake.read(bronze, ["id", "extracted_at", "is_deleted"]).sort("extracted_at").unique("id", keep="last")
        keys = self.database.keys(" union all ".join(part.key() for part in table.parts), dtype)
        return known.filter(~pl.col("is_deleted")).join(keys.to_frame(), on="id", how="anti")["id"].sort()

    def _files(self, table: LiveTable, contract: Contract, lines: Iterator[bytes]) -> int:
        """Write the lines into files of at most ROWS_PER_FILE; returns how many lines there were."""
        header = ",".join(contract.polars_schema).encode() + b"\n"
        count, stream = 0, None
        try:
            for line in lines:
                if count % ROWS_PER_FILE == 0:
                    _close(stream)
                    self.files.append(f"{table.name}_{count // ROWS_PER_FILE + 1:04}.csv")
                    stream = (self.folder / self.files[-1]).open("wb")
                    stream.write(header)
                stream.write(line)
                count += 1
        finally:
            _close(stream)
        return count


def _close(stream) -> None:
    """Close a file once its bytes are on the disk: the watermark must not outlive them."""
    if stream is not None:
        stream.flush()
        os.fsync(stream.fileno())
        stream.close()


def _must_be_the_same(database: Database, past: pl.DataFrame, *, is_full: bool) -> None:
    """Refuse another database than the last time: its lack of rows would look like their deletion."""
    if past.height and not is_full and past["database_id"][-1] != database.snapshot.database_id:
        raise LiveError(
            f"Database {database.name} is not the one that was read before: rows it lacks would count as deleted. "
            "Where it took its place, as after a restore or a failover, read it once with --full."
        )


@contextmanager
def alone(home: Home, system: str) -> Iterator[None]:
    """Hold the lock of the system's extraction. Raises LiveError where another process holds it."""
    try:
        with FileLock(home.root / f".extract_{system}.lock", timeout=0):
            yield
    except Timeout:
        raise LiveError(f"Another extraction of {system} is running; it takes what is new.", may_pass=True) from None
