"""Lake: Delta tables, the only place where anything that matters is kept.

Reading, appending once and replacing whole tables belong here, and nothing else imports deltalake.
What the rows mean does not. Layout and reasons: README.md, section "What lies where".
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
from deltalake import ColumnProperties, CommitProperties, DeltaTable, Schema, Transaction, WriterProperties, write_deltalake
from deltalake.exceptions import TableNotFoundError

__all__ = ["LINEAGE_SCHEMA", "FileRange", "Lake"]

LINEAGE_SCHEMA: dict[str, pl.DataType] = {
    "_load_id": pl.String(),
    "_file": pl.String(),
    "_line": pl.Int64(),
    "_ingested_at": pl.Datetime("us"),
}
"""Columns that every bronze row carries besides its contract's: load, file below landing/, line, moment of ingestion (UTC)."""
Rows = pa.RecordBatchReader | pl.DataFrame
"""What a table is written from: what streams, or what is in memory already."""

_KEPT_HOURS = 7 * 24
_ROW_GROUP_ROWS = 30_000
"""A reader that looks for one unit in a sorted file reads one such group: small enough to be quick, large enough to compress."""
_STREAMED_ROWS = 5_000
"""Rows that a stream hands over at a time: Delta's writer runs ahead by a number of batches, however many rows each has."""
_FINGERPRINT = "serialake_fingerprint"
_HOUSEKEEPING = {"OPTIMIZE", "VACUUM START", "VACUUM END"}
"""Operations of Delta commits that leave a table's rows as they are."""
_ENSURED: set[tuple[str, tuple[str, ...]]] = set()
"""Tables and columns that this process has seen: thirty tables cost 45 ms to open only to look, and a process asks often."""


@dataclass(frozen=True)
class FileRange:
    """A file of a table, and the least and most value of one of its text columns; None where the log does not tell."""

    path: Path
    least: str | None
    most: str | None


@dataclass(frozen=True)
class Lake:
    """Delta tables below one folder, named by their path, for example `bronze/sap/mara`."""

    root: Path

    def path(self, table: str) -> Path:
        """Folder of a table."""
        return self.root / table

    def exists(self, table: str) -> bool:
        """Whether the table has been created."""
        return DeltaTable.is_deltatable(str(self.path(table)))

    def ensure(self, table: str, schema: Mapping[str, pl.DataType]) -> None:
        """Create the table, empty, unless it exists; columns that an existing table lacks are added, null in its rows."""
        known = (str(self.path(table)), tuple(schema))
        exists = self.exists(table)
        if exists and known in _ENSURED:
            return
        fields = pl.DataFrame(schema=dict(schema)).to_arrow(compat_level=pl.CompatLevel.oldest()).schema
        if not exists:
            DeltaTable.create(str(self.path(table)), schema=fields)
        else:
            delta = DeltaTable(str(self.path(table)))
            held = {field.name for field in delta.schema().fields}
            if missing := [field for field in Schema.from_arrow(fields).fields if field.name not in held]:
                delta.alter.add_columns(missing)
        _ENSURED.add(known)

    def append_once(
        self, table: str, frame: pl.DataFrame, load_ids: Sequence[str], *, since: datetime | None = None, moment: str = "_ingested_at"
    ) -> int:
        """Append the rows of the loads that the table does not hold yet, in one commit. Returns rows appended.

        Each load is recorded as a Delta application transaction in the commit that brings its rows, so that a load
        repeated after a crash is recognised. Delta itself does not refuse a repeated transaction: one writer is assumed.
        `since` promises that whatever the table holds of these loads was ingested after that time, by the column `moment`,
        which spares looking further back.
        """
        delta = DeltaTable(str(self.path(table)))
        suspects = set(load_ids) if since is None else set(load_ids) & self._loads_since(delta, since, moment)
        held = {load_id for load_id in suspects if delta.transaction_version(load_id) is not None}
        missing = [load_id for load_id in load_ids if load_id not in held]
        rows = frame.filter(pl.col("_load_id").is_in(missing)) if held else frame
        if not missing:
            return 0
        write_deltalake(
            delta,
            rows.to_arrow(compat_level=pl.CompatLevel.oldest()),
            mode="append",
            commit_properties=CommitProperties(app_transactions=[Transaction(load_id, 1) for load_id in missing]),
        )
        return rows.height

    @staticmethod
    def _loads_since(delta: DeltaTable, since: datetime, moment: str) -> set[str]:
        """Loads of rows ingested after a time, or a little earlier: a log keeps its statistics in milliseconds."""
        recent = pc.field(moment) >= pa.scalar(since - timedelta(seconds=1), pa.timestamp("us"))
        return set(delta.to_pyarrow_table(columns=["_load_id"], filters=recent)["_load_id"].unique().to_pylist())

    def append_stream_once(self, table: str, frames: Iterable[pl.DataFrame], schema: Mapping[str, pl.DataType], load_id: str) -> int:
        """Append the rows of one load, in one commit, unless the table holds it. Returns rows appended.

        Of the frames, in this schema, one is in memory at a time.
        """
        delta = DeltaTable(str(self.path(table)))
        if delta.transaction_version(load_id) is not None:
            return 0
        arrow, rows = pl.DataFrame(schema=dict(schema)).to_arrow(compat_level=pl.CompatLevel.oldest()).schema, 0

        def batches() -> Iterator[pa.RecordBatch]:
            nonlocal rows
            for frame in frames:
                rows += frame.height
                yield from frame.to_arrow(compat_level=pl.CompatLevel.oldest()).cast(arrow).to_batches(max_chunksize=_STREAMED_ROWS)

        write_deltalake(
            delta,
            pa.RecordBatchReader.from_batches(arrow, batches()),
            mode="append",
            # A row group is in memory until it is written, and by default it has a million rows.
            writer_properties=WriterProperties(max_row_group_size=_ROW_GROUP_ROWS),
            commit_properties=CommitProperties(app_transactions=[Transaction(load_id, 1)]),
        )
        return rows

    def append_batch_once(self, table: str, frame: pl.DataFrame, batch_id: str) -> bool:
        """Append the rows in one commit unless a batch of this id was appended before. Returns whether it was now."""
        delta = DeltaTable(str(self.path(table)))
        if delta.transaction_version(batch_id) is not None:
            return False
        transaction = CommitProperties(app_transactions=[Transaction(batch_id, 1)])
        write_deltalake(delta, frame.to_arrow(compat_level=pl.CompatLevel.oldest()), mode="append", commit_properties=transaction)
        return True

    def replace(self, table: str, rows: Rows, fingerprint: Mapping[str, object], *, sorted_by: Sequence[str] = ()) -> int:
        """Replace the whole table in one commit that carries the fingerprint of its content. Returns the new version.

        `sorted_by` names the columns by which the rows come sorted: only these get statistics. Those of the others would
        rule out no row group, and a look-up reads them all: a quarter of its time.
        """
        self._write_sorted(table, rows, fingerprint, sorted_by, mode="overwrite", schema_mode="overwrite")
        return self.version(table)

    def append_sorted(self, table: str, rows: Rows, fingerprint: Mapping[str, object], *, sorted_by: Sequence[str]) -> int:
        """Append rows, sorted among themselves, in one commit that carries the fingerprint. Returns the new version."""
        self._write_sorted(table, rows, fingerprint, sorted_by, mode="append")
        return self.version(table)

    def _write_sorted(self, table: str, rows: Rows, fingerprint: Mapping[str, object], sorted_by: Sequence[str], **how: str) -> None:
        if isinstance(rows, pl.DataFrame):
            rows = rows.to_arrow(compat_level=pl.CompatLevel.oldest()).to_reader()
        of_column = _columns_of_sorted(rows.schema, sorted_by) if sorted_by else {}
        write_deltalake(
            str(self.path(table)),
            rows,
            # A look-up asks every row group of the files that can hold a unit: the smaller the files, the fewer.
            target_file_size=128 * 1024 * 1024,
            writer_properties=WriterProperties(
                compression="ZSTD",
                max_row_group_size=_ROW_GROUP_ROWS,
                default_column_properties=ColumnProperties(statistics_enabled="NONE") if sorted_by else None,
                column_properties=of_column or None,
            ),
            commit_properties=CommitProperties(custom_metadata={_FINGERPRINT: json.dumps(dict(fingerprint))}),
            **how,
        )

    def fingerprint(self, table: str, version: int | None = None) -> dict[str, object] | None:
        """Fingerprint of the newest change of rows up to a version, or None where there is none or where that change has none."""
        try:
            text = self._newest_change(table, version).get(_FINGERPRINT)
        except TableNotFoundError:
            return None
        return json.loads(text) if text else None

    def version(self, table: str) -> int:
        """Newest version of the table."""
        return DeltaTable(str(self.path(table))).version()

    def rows_version(self, table: str) -> int:
        """Newest version that changed rows: merging files and removing outdated ones do not count."""
        return int(self._newest_change(table)["version"])

    def _newest_change(self, table: str, version: int | None = None) -> dict[str, Any]:
        """The newest commit, up to a version, that changed rows, as the table's history tells it."""
        delta = DeltaTable(str(self.path(table)))
        limit = 8
        while True:
            history = delta.history(limit)
            changes = (
                commit
                for commit in history
                if commit["operation"] not in _HOUSEKEEPING and (version is None or commit["version"] <= version)
            )
            if (change := next(changes, None)) or len(history) < limit:
                return change or history[-1]
            limit *= 8

    def files(self, table: str, version: int) -> list[Path]:
        """Absolute paths of exactly the Parquet files that make up one version, in name order."""
        delta = DeltaTable(str(self.path(table)), version=version)
        root = self.path(table).resolve()
        return sorted(root / str(name) for name in pl.DataFrame(delta.get_add_actions(flatten=True))["path"])

    def file_ranges(self, table: str, version: int, column: str) -> list[FileRange]:
        """The files of one version, in name order, with the least and most value of a text column that the log tells of each."""
        actions = pl.DataFrame(DeltaTable(str(self.path(table)), version=version).get_add_actions(flatten=True))
        ends = (f"min.{column}", f"max.{column}")
        told = actions.select("path", *(pl.col(end) if end in actions.columns else pl.lit(None).alias(end) for end in ends))
        root = self.path(table).resolve()
        return [FileRange(root / path, least, most) for path, least, most in told.sort("path").iter_rows()]

    def row_count(self, table: str) -> int:
        """Rows of the newest version, from the log's statistics, without reading data."""
        actions = pl.DataFrame(DeltaTable(str(self.path(table))).get_add_actions(flatten=True))
        return int(actions["num_records"].sum() or 0) if actions.height else 0

    def read(
        self,
        table: str,
        columns: Iterable[str] | None = None,
        *,
        between: tuple[str, date, date] | None = None,
        version: int | None = None,
    ) -> pl.DataFrame:
        """Rows of the newest version, or of the one named, all columns or those named; no row order is promised.

        `between` names a column of days and the first and last wanted: files without such rows are not opened.
        """
        delta = DeltaTable(str(self.path(table)), version=version)
        wanted = (pc.field(between[0]) >= between[1]) & (pc.field(between[0]) <= between[2]) if between else None
        return pl.DataFrame(delta.to_pyarrow_table(columns=list(columns) if columns else None, filters=wanted))

    def delete(self, table: str, predicate: str) -> None:
        """Delete the rows for which an SQL condition holds, in one commit."""
        DeltaTable(str(self.path(table))).delete(predicate)

    def update(self, table: str, predicate: str, changes: Mapping[str, str]) -> None:
        """Set columns to SQL expressions in the rows for which a condition holds, in one commit."""
        DeltaTable(str(self.path(table))).update(predicate=predicate, updates=dict(changes))

    def changed_at(self, table: str) -> datetime:
        """Moment of the newest commit, UTC."""
        newest = DeltaTable(str(self.path(table))).history(1)[0]
        return datetime.fromtimestamp(newest["timestamp"] / 1000, UTC).replace(tzinfo=None)

    def compact(self, table: str) -> None:
        """Merge small files into larger ones; rows, and the record of which loads were taken, stay as they are."""
        DeltaTable(str(self.path(table))).optimize.compact()

    def vacuum(self, table: str, *keep_versions: int | None) -> None:
        """Remove files older than a week that neither the newest version nor one to keep names, and those of commits that never came."""
        kept = sorted({version for version in keep_versions if version is not None}) or None
        DeltaTable(str(self.path(table))).vacuum(retention_hours=_KEPT_HOURS, dry_run=False, keep_versions=kept, full=True)


def _columns_of_sorted(schema: pa.Schema, sorted_by: Sequence[str]) -> dict[str, ColumnProperties]:
    """How the columns of a sorted table are written: statistics for what it is sorted by, and no dictionary of moments.

    A moment seldom comes twice, so that its dictionary is larger than what it stands for: without it, the stock of a site at a moment is
    found in three quarters of the time. Loads are few, and so are their moments.
    """
    moments = {field.name for field in schema if pa.types.is_timestamp(field.type) and field.name != "ingested_at"}
    return {
        name: ColumnProperties(
            statistics_enabled="CHUNK" if name in sorted_by else "NONE", dictionary_enabled=False if name in moments else None
        )
        for name in {*sorted_by, *moments}
    }
