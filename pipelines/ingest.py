"""Ingest: landing to bronze, every delivered record once, accepted or quarantined.

Deciding what is new, batching, and the order of commits belong here. Parsing does not (pipelines/sources), nor does
Delta itself (pipelines/lake.py). Why a crash at any instant is harmless is told at `_commit`.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl

from pipelines.acknowledgements import write_acknowledgements
from pipelines.contracts import Contract
from pipelines.cut import MANIFEST, note_newest_cut
from pipelines.extraction import extract_in_groups
from pipelines.home import Home, write_note
from pipelines.lake import LINEAGE_SCHEMA, Lake
from pipelines.landing import DeliveredFile, content_sha256, delivered_files, still_same
from pipelines.large_files import frames_of, spill
from pipelines.progress import report
from pipelines.rejected_rows import write_rejected_rows
from pipelines.sources import ExtractSettings, is_document
from pipelines.sources.cards import copied_without_cards
from pipelines.sources.extracted import FILE_AT, QUARANTINE_SCHEMA, FileCounts

__all__ = ["MANIFEST", "QUARANTINE", "IngestResult", "ensure_tables", "ingest", "new_files"]

QUARANTINE = "quarantine"
SETTLE_SECONDS = 2.0
_BATCH_FILES, _BATCH_BYTES = 500, 64 * 1024 * 1024
_READING = ".reading-"
"""Beginning of folders in which large files are read; one that is left was left by a crash."""
_LARGE_BYTES = _BATCH_BYTES
"""A file of IDocs larger than this is read part by part, by way of disk."""

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
    is_hash_taken: bool = False
    """Whether the manifest holds this content's hash as the identity of a load already."""

    @property
    def copy_id(self) -> str:
        """Identity of this copy: its content, its name and its time. Holds no character that SQL would read."""
        copy = hashlib.sha256(f"{self.file.name}\n{self.file.modified_at.isoformat()}".encode()).hexdigest()
        return f"{self.sha256}-{copy[:16]}"


@dataclass(frozen=True)
class Load:
    """A new file with the numbers of its records, and what became of it."""

    new: NewFile
    counts: FileCounts

    @property
    def status(self) -> str:
        """`loaded`, `duplicate` of a load that stands, or `refused` whole."""
        if self.new.duplicate_of:
            return "duplicate"
        return "refused" if self.counts.refused_whole else "loaded"

    @property
    def load_id(self) -> str:
        """The content where its records are taken, whatever the name; for any other copy, also its name and time.

        So a file read again after a crash brings the same identity even if other copies have come or gone.
        """
        return self.new.sha256 if self.status == "loaded" and not self.new.is_hash_taken else self.new.copy_id


@dataclass(frozen=True)
class _Batch:
    """Files that stayed as they were while they were read; all their rows by table; names of those that changed."""

    loads: list[Load]
    accepted: dict[str, pl.DataFrame]
    quarantined: pl.DataFrame
    states: pl.DataFrame
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
    content that was refused whole is tried again, since a contract may have come meanwhile, or may claim this name. Which
    of several new copies is taken shows only when they have been read (`_loads`).
    """
    delivered, unfinished = delivered_files(home.landing, settle_seconds=SETTLE_SECONDS)
    known = lake.read(MANIFEST, ["_load_id", "file", "bytes", "modified_at", "content_sha256", "status"])
    seen = set(known.select("file", "bytes", "modified_at").iter_rows())
    loaded = dict(known.filter(pl.col("status") == "loaded").select("content_sha256", "_load_id").iter_rows())
    load_ids = set(known["_load_id"])
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
        new.append(NewFile(file, sha256, duplicate_of=loaded.get(sha256), is_hash_taken=sha256 in load_ids))
    return new, unfinished


def ingest(
    home: Home,
    lake: Lake,
    contracts: Mapping[str, Contract],
    *,
    mappings: Sequence[Contract] = (),
    settings: Sequence[ExtractSettings] = (),
    now: datetime,
) -> IngestResult:
    """Take all new files of landing/ into the lake. Returns counts; records_in = accepted + quarantined, per file."""
    ensure_tables(lake, contracts)
    for left in home.root.glob(f"{_READING}*"):
        shutil.rmtree(left)
    files, unfinished = new_files(home, lake)
    result = IngestResult(unfinished=tuple(unfinished))
    last = lake.read(MANIFEST, ["ingested_at"])["ingested_at"].max()
    moment = _first_moment(home, last, now)
    done = 0
    taken: dict[str, str] = {}
    for files_of_batch in _batches(files):
        write_note(home.moment_note, moment.isoformat())
        if _is_large(files_of_batch, taken, contracts, mappings):
            loads, changed, appended = _take_large(home, lake, files_of_batch[0], contracts, moment)
            taken |= {load.new.sha256: load.load_id for load in loads if load.status == "loaded"}
        else:
            batch = _read(files_of_batch, contracts, mappings, taken, settings=settings, layouts=home.layouts)
            loads, changed, appended = batch.loads, batch.changed, _commit(home, lake, batch, contracts, moment, since=last)
        result = _added(replace(result, unfinished=(*result.unfinished, *changed)), appended, loads)
        moment += timedelta(microseconds=1)
        done += len(files_of_batch)
        report("ingest", done, len(files))
    note_newest_cut(home, lake)
    return result


def _first_moment(home: Home, last: datetime | None, now: datetime) -> datetime:
    """A moment after all that rows were ever given, whatever the clock says and wherever an earlier run broke off.

    What is built, and what is live, is told by moments: rows that came later with an earlier moment would be passed over.
    """
    given = datetime.fromisoformat(home.moment_note.read_text(encoding="utf-8")) if home.moment_note.exists() else None
    return max([now, *(moment + timedelta(microseconds=1) for moment in (last, given) if moment)])


def _batches(files: list[NewFile]) -> Iterator[list[NewFile]]:
    batch: list[NewFile] = []
    for file in files:
        if batch and (len(batch) >= _BATCH_FILES or sum(f.file.size for f in batch) + file.file.size > _BATCH_BYTES):
            yield batch
            batch = []
        batch.append(file)
    if batch:
        yield batch


def _is_large(batch: list[NewFile], taken: dict[str, str], contracts: Mapping[str, Contract], mappings: Sequence[Contract]) -> bool:
    """Whether the batch is one file of IDocs that is too large to be read at once, and has not been taken yet."""
    new = batch[0]
    if new.file.size <= _LARGE_BYTES or len(batch) > 1 or new.duplicate_of or new.sha256 in taken:
        return False
    return is_document(new.file.path, new.file.name, contracts=contracts, mappings=mappings)


def _take_large(
    home: Home, lake: Lake, new: NewFile, contracts: Mapping[str, Contract], moment: datetime
) -> tuple[list[Load], list[str], dict[str, int]]:
    """Read a large file to disk, and store what it holds as `_commit` does.

    Returns its load, or else its name since it has changed; and rows appended by table.
    """
    with TemporaryDirectory(dir=home.root, prefix=_READING) as folder:
        spilled = spill(new.file.path, Path(folder), contracts=contracts, layouts=home.layouts)
        if not still_same(new.file):
            return [], [new.file.name], {}
        load = Load(new, spilled.counts)
        _must_add_up(load)
        if load.status == "refused":
            _keep_whole(home, new)
        values = {"_load_id": load.load_id, "_file": new.file.name, "_ingested_at": moment}
        lineage = {name: pl.lit(value, dtype=LINEAGE_SCHEMA[name]) for name, value in values.items()}
        appended = {}
        for table, paths in sorted(spilled.accepted.items()):
            schema = {**contracts[table].polars_schema, **LINEAGE_SCHEMA}
            appended[table] = lake.append_stream_once(f"bronze/{table}", frames_of(paths, lineage, list(schema)), schema, load.load_id)
        if spilled.quarantined:
            schema = {**{name: LINEAGE_SCHEMA[name] for name in lineage}, **QUARANTINE_SCHEMA}
            lake.append_stream_once(QUARANTINE, frames_of(spilled.quarantined, lineage, list(schema)), schema, load.load_id)
        write_acknowledgements(home.acknowledgements, spilled.states.with_columns(**lineage), {load.load_id: new.file.name})
    lake.append_once(MANIFEST, pl.DataFrame([_manifest_row(load, moment)], schema=MANIFEST_SCHEMA), [load.load_id])
    return [load], [], appended


def _read(
    batch: list[NewFile],
    contracts: Mapping[str, Contract],
    mappings: Sequence[Contract],
    taken: dict[str, str],
    *,
    settings: Sequence[ExtractSettings],
    layouts: Path,
) -> _Batch:
    """What the batch holds.

    `taken` maps content to the load that brought it in this run, and is added to: of several copies, the first that can
    be read is taken, since a name may be claimed by a contract where another is not. What is taken is not read again.
    """
    files = [replace(new, duplicate_of=new.duplicate_of or taken.get(new.sha256)) for new in batch]
    wanted = [new for new in files if new.duplicate_of is None]
    jobs = [(new.file.path, new.file.name) for new in wanted]
    held = extract_in_groups(jobs, contracts=contracts, mappings=mappings, settings=settings, layouts=layouts)
    counts = {new.file.name: counts for new, counts in zip(wanted, held.files, strict=True)}
    places = {new.file.name: at for at, new in enumerate(wanted)}
    loads: list[Load] = []
    changed: list[str] = []
    for new in files:
        if not still_same(new.file):
            changed.append(new.file.name)
            continue
        load = Load(new, counts.get(new.file.name, FileCounts()))
        if new.duplicate_of is None and new.sha256 in taken:
            load = Load(replace(new, duplicate_of=taken[new.sha256]), FileCounts())
        _must_add_up(load)
        if load.status == "loaded":
            taken[new.sha256] = load.load_id
        loads.append(load)
    lineage = [(places[load.new.file.name], load.load_id, load.new.file.name) for load in loads if load.status != "duplicate"]
    names = pl.DataFrame(lineage, schema={FILE_AT: pl.Int64(), "_load_id": pl.String(), "_file": pl.String()}, orient="row")
    accepted = {table: _named(frame, names) for table, frame in held.accepted.items()}
    return _Batch(loads, accepted, _named(held.quarantined, names), _named(held.states, names), changed)


def _named(frame: pl.DataFrame, names: pl.DataFrame) -> pl.DataFrame:
    """The rows of files that are named, with their `_load_id` and `_file`."""
    return frame.join(names, on=FILE_AT, how="inner", maintain_order="left").drop(FILE_AT)


def _must_add_up(load: Load) -> None:
    counts = load.counts
    taken = counts.records_accepted + counts.records_quarantined
    if counts.records_in != taken:
        raise RuntimeError(
            f"{load.new.file.name}: {counts.records_in} records in, but {taken} accepted or quarantined; nothing of the file was stored"
        )


def _commit(
    home: Home, lake: Lake, batch: _Batch, contracts: Mapping[str, Contract], moment: datetime, *, since: datetime | None
) -> dict[str, int]:
    """Store a batch of whole files; returns rows appended by bronze table.

    Every table's commit carries the load ids it brings, then senders of IDocs are told, and the manifest comes last. After a
    crash in between, the files are still new, they are read again, and each table takes only the loads it does not hold.
    """
    for load in batch.loads:
        if load.status == "refused":
            _keep_whole(home, load.new)
    at = pl.lit(moment).alias("_ingested_at")
    appended = {}
    for table, rows in sorted(batch.accepted.items()):
        frame = rows.with_columns(at).select(*[c for c in rows.columns if not c.startswith("_")], *LINEAGE_SCHEMA)
        loads = frame["_load_id"].unique(maintain_order=True).to_list()
        appended[table] = lake.append_once(f"bronze/{table}", frame, loads, since=since)
    if batch.quarantined.height:
        frame = batch.quarantined.with_columns(at).select("_load_id", "_file", "_ingested_at", *QUARANTINE_SCHEMA)
        lake.append_once(QUARANTINE, frame, frame["_load_id"].unique(maintain_order=True).to_list(), since=since)
    delivered = {load.load_id: load.new.file for load in batch.loads if load.status == "loaded"}
    write_rejected_rows(home.rejected, batch.quarantined, delivered, contracts)
    # Before the manifest: after it, a crash would leave a load that nobody hears of.
    write_acknowledgements(home.acknowledgements, batch.states, {load.load_id: load.new.file.name for load in batch.loads})
    if batch.loads:
        manifest = pl.DataFrame([_manifest_row(load, moment) for load in batch.loads], schema=MANIFEST_SCHEMA)
        lake.append_once(MANIFEST, manifest, manifest["_load_id"].to_list(), since=since, moment="ingested_at")
    return appended


def _keep_whole(home: Home, new: NewFile) -> None:
    """Keep a file that could not be read, whole but for card numbers, under its hash: the quarantine row holds only its beginning."""
    target = home.lake / "refused_files" / new.sha256
    target.parent.mkdir(parents=True, exist_ok=True)
    copied_without_cards(new.file.path, target)


def _manifest_row(load: Load, moment: datetime) -> dict[str, object]:
    new, counts = load.new, load.counts
    return {
        "_load_id": load.load_id,
        "file": new.file.name,
        "content_sha256": new.sha256,
        "bytes": new.file.size,
        "modified_at": new.file.modified_at,
        "status": load.status,
        "duplicate_of": new.duplicate_of,
        "tables": ",".join(counts.tables),
        "records_in": counts.records_in,
        "records_accepted": counts.records_accepted,
        "records_quarantined": counts.records_quarantined,
        "ingested_at": moment,
    }


def _added(result: IngestResult, appended: dict[str, int], loads: list[Load]) -> IngestResult:
    files, rows = dict(result.files), dict(result.appended)
    for load in loads:
        files[load.status] = files.get(load.status, 0) + 1
    for table, count in appended.items():
        rows[table] = rows.get(table, 0) + count
    return replace(
        result,
        files=files,
        appended=rows,
        records_in=result.records_in + sum(load.counts.records_in for load in loads),
        records_accepted=result.records_accepted + sum(load.counts.records_accepted for load in loads),
        records_quarantined=result.records_quarantined + sum(load.counts.records_quarantined for load in loads),
    )
