"""SAP documents: IDoc files, flat or XML, become records of the contracts, and refusals with their reasons.

Which family reads which IDoc, and what becomes of the ones that nobody reads, belong here. The families are in idoc/.
A file that breaks off is refused whole: its delivery is one act. See README.md, section "When a record is refused".
"""

from __future__ import annotations

import gc
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from pipelines.contracts import Contract
from pipelines.sources.extracted import FILE_AT, QUARANTINE_SCHEMA, STATES_SCHEMA, ExtractedFiles, quarantined
from pipelines.sources.idoc.families import Family, family_of, fields_of, message_of, messages_of
from pipelines.sources.idoc.raw import SegmentTexts, printed_idoc
from pipelines.sources.idoc.reader import read_idocs
from pipelines.sources.idoc.tree import STATUS, UNKNOWN_SEGMENT, Fault, Idoc, UnreadableIdocs
from pipelines.sources.verdicts import refusals, refused_file

__all__ = ["read_in_parts", "read_sap_documents"]

PART_RECORDS = 50_000
"""Records of a part of a large file: some 10 MB of XML."""


@dataclass
class _Reading:
    """Files being read together: their IDocs by family; per file the IDocs before it and its records; what no family takes.

    `idocs` has each IDoc's file, key, number, message type, and the names of its segments that were skipped.
    """

    paths: Sequence[Path]
    contracts: Mapping[str, Contract]
    layouts: Path | None = None
    families: dict[str, Family | None] = field(default_factory=dict)
    before: list[int] = field(default_factory=list)
    records_in: list[int] = field(default_factory=list)
    unknown: list[tuple[int, dict]] = field(default_factory=list)
    idocs: list[tuple[int, int, str | None, str | None, str | None]] = field(default_factory=list)
    broken: dict[int, pl.DataFrame] = field(default_factory=dict)
    texts: dict[int, SegmentTexts] = field(default_factory=dict)


def read_sap_documents(paths: Sequence[Path], contracts: Mapping[str, Contract], *, layouts: Path | None = None) -> ExtractedFiles:
    """Read IDoc files: records of all tables whose contract names an `idocMessage`.

    Never raises for bad content, but LayoutError for a layout in the folder `layouts` that cannot be used. An IDoc of a type
    that no contract reads is one refused record. The files' records are typed together: some ninety steps, which cost the
    same for the few records of one file as for those of fifty.
    """
    reading = _Reading(paths, _of_idocs(contracts), layouts)
    fields = fields_of(reading.contracts.values())
    with _collector_paused():
        key = 0
        for at, path in enumerate(paths):
            reading.before.append(key)
            reading.records_in.append(0)
            try:
                for idoc in read_idocs(path, before=reading.before[at], layouts=layouts, fields=fields):
                    key = idoc.key
                    _take(reading, at, idoc)
            except UnreadableIdocs as error:
                _refuse_whole(reading, at, error)
        return _extracted(reading)


def read_in_parts(
    path: Path, contracts: Mapping[str, Contract], *, layouts: Path | None = None, part_records: int | None = None
) -> Iterator[ExtractedFiles]:
    """Read one IDoc file as `read_sap_documents` does, in parts of whole IDocs, so that memory does not grow with the file.

    Each part counts its own records. Where the file breaks off, the last part is refused whole, and the parts before it are
    not to be taken.
    """
    ours = _of_idocs(contracts)
    fields, texts = fields_of(ours.values()), SegmentTexts(path, layouts=layouts)
    idocs = read_idocs(path, layouts=layouts, fields=fields)
    is_read = False
    while not is_read:
        reading = _Reading([path], ours, layouts, before=[0], records_in=[0], texts={0: texts})
        with _collector_paused():
            try:
                is_read = not _fill(reading, idocs, part_records or PART_RECORDS)
            except UnreadableIdocs as error:
                _refuse_whole(reading, 0, error)
                is_read = True
            part = _extracted(reading)
        yield part


def _fill(reading: _Reading, idocs: Iterator[Idoc], part_records: int) -> bool:
    """Take IDocs until the part is full. Returns whether it is, or the file ended before."""
    for idoc in idocs:
        _take(reading, 0, idoc)
        if reading.records_in[0] >= part_records:
            return True
    return False


def _refuse_whole(reading: _Reading, at: int, error: UnreadableIdocs) -> None:
    reading.records_in[at] = 1
    refused = refused_file(reading.paths[at], code=error.code, reason=str(error), line=error.line, segment=error.segment)
    reading.broken[at] = refused.quarantined


def _of_idocs(contracts: Mapping[str, Contract]) -> dict[str, Contract]:
    return {table: contract for table, contract in contracts.items() if messages_of(contract)}


@contextmanager
def _collector_paused() -> Iterator[None]:
    """Segments are freed as they are let go of; looking for cycles among them found none and took a fifth of the time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _take(reading: _Reading, at: int, idoc: Idoc) -> None:
    message = message_of(idoc.basic_type)
    if message not in reading.families:
        reading.families[message] = family_of(message, reading.contracts)
    family = reading.families[message]
    if family and idoc.fault:
        if idoc.fault.code == UNKNOWN_SEGMENT:
            # Refused whole, the same file is read again once the layout is there; a refused record would be a duplicate then.
            raise UnreadableIdocs(idoc.fault.code, idoc.fault.reason, line=idoc.fault.line, segment=idoc.fault.segment)
        family = None
    fields = idoc.control.fields
    # What somebody says of our IDocs is not answered in turn.
    if idoc.basic_type != STATUS:
        reading.idocs.append((at, idoc.key, fields.get("DOCNUM"), fields.get("MESTYP"), ", ".join(idoc.skipped) or None))
    if family is None:
        reading.unknown.append((at, {"_idoc": idoc.key, **_unknown(idoc, reading.contracts)}))
    reading.records_in[at] += family.add(idoc) if family else 1


def _unknown(idoc: Idoc, contracts: Mapping[str, Contract]) -> dict:
    """Quarantine row of an IDoc that no family takes."""
    messages = {message for contract in contracts.values() for message in messages_of(contract)}
    is_known, known = message_of(idoc.basic_type) in messages, ", ".join(sorted(messages - {STATUS}))
    fault = (is_known and idoc.fault) or Fault(
        "unknown_idoc_type",
        f"IDOC[{idoc.number}] (line {idoc.line}) is of type {idoc.basic_type[:40]}, which no source contract "
        f"reads; known are {known}; send it elsewhere, or add a contract and a reader for it.",
        f"IDOC[{idoc.number}]",
        idoc.line,
    )
    return {
        "reason_code": fault.code,
        "reason": fault.reason,
        "line": fault.line,
        "segment": fault.segment,
        "field": None if fault is idoc.fault else "idoctyp",
        "raw_record": printed_idoc(idoc),
    }


def _extracted(reading: _Reading) -> ExtractedFiles:
    accepted, refused = {}, []
    for family in filter(None, reading.families.values()):
        for table, every in family.records().items():
            contract, records = reading.contracts[table], _by_file(every, reading)
            # Filtering copies every column, and most deliveries have no fault.
            is_clean = records["_code"].null_count() == records.height
            fine = records if is_clean else records.filter(pl.col("_code").is_null())
            if fine.height:
                accepted[table] = fine.select(*contract.polars_schema, "_line", FILE_AT)
            if fine.height < records.height:
                refused.append((contract, family, _with_fault_first(records.filter(pl.col("_code").is_not_null()))))
    texts = _texts(reading, [records for _, _, records in refused])
    rows = [_not_read(reading)]
    for contract, family, records in refused:
        labels = {column.name: column.name.upper() for column in contract.columns} | family.labels
        rows.append(refusals(_with_raw(records, texts), contract, labels=labels).with_columns(records[FILE_AT]))
    quarantine = pl.concat(rows).sort(FILE_AT, "line", maintain_order=True, nulls_last=True)
    states = _states(reading, [records for _, _, records in refused])
    return ExtractedFiles.counted(accepted, quarantine, records_in=reading.records_in, whole=reading.broken, states=states)


def _states(reading: _Reading, refused: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """What became of each IDoc, in STATES_SCHEMA."""
    schema = {FILE_AT: pl.Int64(), "_idoc": pl.Int64(), "docnum": pl.String(), "mestyp": pl.String(), "skipped": pl.String()}
    idocs = pl.DataFrame(reading.idocs, schema=schema, orient="row").filter(~pl.col(FILE_AT).is_in(list(reading.broken)))
    before = pl.Series(reading.before, dtype=pl.Int64())
    idocs = idocs.with_columns(pl.col("docnum", "mestyp").str.strip_chars(), idoc=pl.col("_idoc") - before.gather(idocs[FILE_AT]))
    reasons = [
        records.select("_idoc", reason_code="_code", segment="_fault_segment", field="_field", line="_fault_line") for records in refused
    ]
    places = {"_idoc": pl.Int64(), **{name: STATES_SCHEMA[name] for name in ("reason_code", "segment", "field", "line")}}
    reasons.append(pl.DataFrame([row for _, row in reading.unknown], schema=places))
    whole = [
        rows.select("reason_code", "segment", "line").with_columns(pl.lit(at, pl.Int64()).alias(FILE_AT))
        for at, rows in reading.broken.items()
    ]
    joined = idocs.join(pl.concat(reasons).sort("_idoc", "line", maintain_order=True), on="_idoc", how="left", maintain_order="left_right")
    return pl.concat([pl.DataFrame(schema=STATES_SCHEMA), joined.select(*STATES_SCHEMA), *whole], how="diagonal")


def _by_file(records: pl.DataFrame, reading: _Reading) -> pl.DataFrame:
    """The records with FILE_AT, without those of files that broke off."""
    at = pl.Series(reading.before, dtype=pl.Int64()).search_sorted(records["_idoc"], side="left").cast(pl.Int64()) - 1
    records = records.with_columns(at.alias(FILE_AT))
    return records.filter(~pl.col(FILE_AT).is_in(list(reading.broken))) if reading.broken else records


def _not_read(reading: _Reading) -> pl.DataFrame:
    """Quarantine rows of files that broke off, and of IDocs of unknown type in the others."""
    unknown = [(at, row) for at, row in reading.unknown if at not in reading.broken]
    positions = pl.Series(FILE_AT, [at for at, _ in unknown], dtype=pl.Int64())
    whole = [rows.with_columns(pl.lit(at, dtype=pl.Int64()).alias(FILE_AT)) for at, rows in reading.broken.items()]
    return pl.concat(
        [
            quarantined([{name: row[name] for name in row if name in QUARANTINE_SCHEMA} for _, row in unknown]).with_columns(positions),
            *whole,
        ]
    )


def _with_fault_first(records: pl.DataFrame) -> pl.DataFrame:
    """Refused records whose `_segments` begin with the one at fault."""
    segments = pl.concat_list("_fault_segment", "_segments").list.drop_nulls().list.unique(maintain_order=True)
    return records.with_columns(segments.alias("_segments"))


def _texts(reading: _Reading, refused: list[pl.DataFrame]) -> pl.DataFrame:
    """Texts of all segments of refused records, from a second look at their files: `_idoc`, `_segments`, `text`."""
    schema = {"_idoc": pl.Int64, "_segments": pl.String, "text": pl.String}
    if not refused:
        return pl.DataFrame(schema=schema)
    wanted = pl.concat([records.select(FILE_AT, "_idoc", "_segments").explode("_segments") for records in refused])
    files: dict[int, dict[int, set[str]]] = {}
    for at, key, segments in wanted.group_by(FILE_AT, "_idoc").agg(pl.col("_segments").unique()).iter_rows():
        files.setdefault(at, {})[key - reading.before[at]] = set(segments)
    found = [
        (number + reading.before[at], segment, text)
        for at, names in files.items()
        for (number, segment), text in (reading.texts.get(at) or SegmentTexts(reading.paths[at], layouts=reading.layouts)).of(names).items()
    ]
    return pl.DataFrame(found, schema=schema, orient="row")


def _with_raw(records: pl.DataFrame, texts: pl.DataFrame) -> pl.DataFrame:
    numbered = records.with_row_index("_row")
    pieces = (
        numbered.select("_row", "_idoc", "_segments")
        .explode("_segments")
        .join(texts, on=["_idoc", "_segments"], how="left", maintain_order="left")
    )
    raw = pieces.group_by("_row", maintain_order=True).agg(pl.col("text").drop_nulls().str.join("\n").alias("raw_record"))
    return numbered.join(raw, on="_row", how="left", maintain_order="left").drop("_row")
