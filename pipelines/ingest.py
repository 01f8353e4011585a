"""Ingest: landing to bronze, every delivered record once, accepted or quarantined.

Deciding what is new, batching, and the order of commits belong here. Parsing does not (pipelines/sources), nor does
Delta itself (pipelines/lake.py). Why a crash at any instant is harmless is told at `_commit`.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import polars as pl

from pipelines.contracts import Contract
from pipelines.extraction import extract_in_groups
from pipelines.home import Home
from pipelines.lake import LINEAGE_SCHEMA, Lake
from pipelines.landing import DeliveredFile, content_sha256, delivered_files, still_same
from pipelines.progress import report
from pipelines.sources.extracted import FILE_AT, QUARANTINE_SCHEMA, FileCounts

__all__ = ["MANIFEST", "QUARANTINE", "IngestResult", "ensure_tables", "ingest", "new_files"]

MANIFEST, QUARANTINE = "manifest", "quarantine"
SETTLE_SECONDS = 2.0
_BATCH_FILES, _BATCH_BYTES = 500, 64 * 1024 * 1024

MANIFEST_SCHEMA: dict[str, pl.DataType] = {
    "_load_id": pl.String(),
    "file": pl.String(),
    "content_sha256": pl.String(),
    "bytes": pl.Int64(),
    "modified_at": pl.Datetime("us"),
    "status": pl.String(),
    "duplicate_of": pl.String(),
    "tables": pl.String(),
    "records_in": pl.Int64(),
    "records_accepted": pl.Int64(),
    "records_quarantined": pl.Int64(),
    "ingested_at": pl.Datetime("us"),
}


@dataclass(frozen=True)
class NewFile:
    """A delivered file that the manifest does not know, with the hash of its content."""

    file: DeliveredFile
    sha256: str
    duplicate_of: str | None = None
    is_first: bool = True

    @property
    def load_id(self) -> str:
        """Identity of the load: the content; for a further copy, also its name and time."""
        return self.sha256 if self.is_first else f"{self.sha256}:{self.file.name}:{self.file.modified_at.isoformat()}"


@dataclass(frozen=True)
class _Loads:
    """A batch of files that stayed as they were, with their numbers; all their rows by table; names of those that changed."""

    files: list[tuple[NewFile, FileCounts]]
    accepted: dict[str, pl.DataFrame]
    quarantined: pl.DataFrame
    changed: list[str]


@dataclass(frozen=True)
class IngestResult:
    """What one ingest did: files by status, records by table, and files left because they are still being written."""

    files: dict[str, int] = field(default_factory=dict)
    appended: dict[str, int] = field(default_factory=dict)
    records_in: int = 0
    records_accepted: int = 0
    records_quarantined: int = 0
    unfinished: tuple[str, ...] = ()


def ensure_tables(lake: Lake, contracts: Mapping[str, Contract]) -> None:
    """Create every bronze table, the quarantine and the manifest, empty, so that all models find their sources."""
    for table, contract in contracts.items():
        lake.ensure(f"bronze/{table}", {**contract.polars_schema, **LINEAGE_SCHEMA})
    lineage = {name: dtype for name, dtype in LINEAGE_SCHEMA.items() if name != "_line"}
    lake.ensure(QUARANTINE, {**lineage, **QUARANTINE_SCHEMA})
    lake.ensure(MANIFEST, MANIFEST_SCHEMA)


def new_files(home: Home, lake: Lake) -> tuple[list[NewFile], list[str]]:
    """Delivered files that the manifest lacks, in name order, and names of files still being written or not readable.

    Name, size and time that the manifest already holds spare the hashing. Content that was loaded before is a duplicate;
    content that was refused whole is tried again, since a contract may have come meanwhile.
    """
    delivered, unfinished = delivered_files(home.landing, settle_seconds=SETTLE_SECONDS)
    known = lake.read(MANIFEST, ["_load_id", "file", "bytes", "modified_at", "content_sha256", "status"])
    seen = set(known.select("file", "bytes", "modified_at").iter_rows())
    loaded = dict(known.filter(pl.col("status") == "loaded").select("content_sha256", "_load_id").iter_rows())
    hashes = set(known["content_sha256"])
    new: list[NewFile] = []
    for file in delivered:
        if (file.name, file.size, file.modified_at) in seen:
            continue
        try:
            sha256 = content_sha256(file.path)
        except OSError:
            # Gone again, or not ours to read: left for the next run, and no reason to stop the others.
            unfinished.append(file.name)
            continue
        new.append(NewFile(file, sha256, duplicate_of=loaded.get(sha256), is_first=sha256 not in hashes))
        loaded.setdefault(sha256, new[-1].load_id)
        hashes.add(sha256)
    return new, unfinished


def ingest(
    home: Home,
    lake: Lake,
    contracts: Mapping[str, Contract],
    *,
    mappings: Sequence[Contract] = (),
    now: datetime,
) -> IngestResult:
    """Take all new files of landing/ into the lake. Returns counts; records_in = accepted + quarantined, per file."""
    ensure_tables(lake, contracts)
    files, unfinished = new_files(home, lake)
    result = IngestResult(unfinished=tuple(unfinished))
    last = lake.read(MANIFEST, ["ingested_at"])["ingested_at"].max()
    moment = max(now, last + timedelta(microseconds=1)) if last else now
    done = 0
    for batch in _batches(files):
        loads = _loads(batch, contracts, mappings)
        result = replace(result, unfinished=(*result.unfinished, *loads.changed))
        result = _added(result, _commit(home, lake, loads, moment), loads.files)
        moment += timedelta(microseconds=1)
        done += len(batch)
        report("ingest", done, len(files))
    return result


def _batches(files: list[NewFile]) -> Iterator[list[NewFile]]:
    batch: list[NewFile] = []
    for file in files:
        if batch and (len(batch) >= _BATCH_FILES or sum(f.file.size for f in batch) + file.file.size > _BATCH_BYTES):
            yield batch
            batch = []
        batch.append(file)
    if batch:
        yield batch


def _loads(batch: list[NewFile], contracts: Mapping[str, Contract], mappings: Sequence[Contract]) -> _Loads:
    """What the batch holds; a duplicate is not read again."""
    firsts = [new for new in batch if new.duplicate_of is None]
    jobs = [(new.file.path, new.file.name) for new in firsts]
    held = extract_in_groups(jobs, contracts=contracts, mappings=mappings)
    counts = {new.load_id: counts for new, counts in zip(firsts, held.files, strict=True)}
    loads = [(new, counts.get(new.load_id, FileCounts())) for new in batch]
    for new, file in loads:
        _must_add_up(new, file)
    changed = {new.file.name for new in batch if not still_same(new.file)}
    lineage = [(at, new.load_id, new.file.name) for at, new in enumerate(firsts) if new.file.name not in changed]
    names = pl.DataFrame(lineage, schema={FILE_AT: pl.Int64(), "_load_id": pl.String(), "_file": pl.String()}, orient="row")
    return _Loads(
        [load for load in loads if load[0].file.name not in changed],
        {table: _named(frame, names) for table, frame in held.accepted.items()},
        _named(held.quarantined, names),
        sorted(changed),
    )


def _named(frame: pl.DataFrame, names: pl.DataFrame) -> pl.DataFrame:
    """The rows of files that are named, with their `_load_id` and `_file`."""
    return frame.join(names, on=FILE_AT, how="inner", maintain_order="left").drop(FILE_AT)


def _must_add_up(new: NewFile, file: FileCounts) -> None:
    taken = file.records_accepted + file.records_quarantined
    if file.records_in != taken:
        raise RuntimeError(
            f"{new.file.name}: {file.records_in} records in, but {taken} accepted or quarantined; nothing of the file was stored"
        )


def _commit(home: Home, lake: Lake, loads: _Loads, moment: datetime) -> dict[str, int]:
    """Store a batch of whole files; returns rows appended by bronze table.

    Every table's commit carries the load ids it brings, and the manifest comes last. After a crash in between, the files
    are still new, they are read again, and each table takes only the loads it does not hold.
    """
    for new, file in loads.files:
        if file.refused_whole:
            _keep_whole(home, new)
    at = pl.lit(moment).alias("_ingested_at")
    appended = {}
    for table, rows in sorted(loads.accepted.items()):
        frame = rows.with_columns(at).select(*[c for c in rows.columns if not c.startswith("_")], *LINEAGE_SCHEMA)
        appended[table] = lake.append_once(f"bronze/{table}", frame, frame["_load_id"].unique(maintain_order=True).to_list())
    if loads.quarantined.height:
        frame = loads.quarantined.with_columns(at).select("_load_id", "_file", "_ingested_at", *QUARANTINE_SCHEMA)
        lake.append_once(QUARANTINE, frame, frame["_load_id"].unique(maintain_order=True).to_list())
    if loads.files:
        manifest = pl.DataFrame([_manifest_row(new, file, moment) for new, file in loads.files], schema=MANIFEST_SCHEMA)
        lake.append_once(MANIFEST, manifest, manifest["_load_id"].to_list())
    return appended


def _keep_whole(home: Home, new: NewFile) -> None:
    """Keep a file that could not be read, whole, under its hash: the quarantine row holds only its beginning."""
    target = home.lake / "refused_files" / new.sha256
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(new.file.path, target)


def _status(new: NewFile, file: FileCounts) -> str:
    if new.duplicate_of:
        return "duplicate"
    return "refused" if file.refused_whole else "loaded"


def _manifest_row(new: NewFile, file: FileCounts, moment: datetime) -> dict[str, object]:
    return {
        "_load_id": new.load_id,
        "file": new.file.name,
        "content_sha256": new.sha256,
        "bytes": new.file.size,
        "modified_at": new.file.modified_at,
        "status": _status(new, file),
        "duplicate_of": new.duplicate_of,
        "tables": ",".join(file.tables),
        "records_in": file.records_in,
        "records_accepted": file.records_accepted,
        "records_quarantined": file.records_quarantined,
        "ingested_at": moment,
    }


def _added(result: IngestResult, appended: dict[str, int], loads: list[tuple[NewFile, FileCounts]]) -> IngestResult:
    files, rows = dict(result.files), dict(result.appended)
    for new, file in loads:
        status = _status(new, file)
        files[status] = files.get(status, 0) + 1
    for table, count in appended.items():
        rows[table] = rows.get(table, 0) + count
    return replace(
        result,
        files=files,
        appended=rows,
        records_in=result.records_in + sum(e.records_in for _, e in loads),
        records_accepted=result.records_accepted + sum(e.records_accepted for _, e in loads),
        records_quarantined=result.records_quarantined + sum(e.records_quarantined for _, e in loads),
    )
