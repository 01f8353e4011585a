"""What reading delivered files yields: accepted records by table, refused records with their reasons.

The shapes that every reader returns belong here: one file, and several at once. Reading itself, and storing, do not.
Reason codes are listed in README.md, section "When a record is refused".
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

import polars as pl

from pipelines.sources.texts import as_written

__all__ = ["FILE_AT", "QUARANTINE_SCHEMA", "RAW_RECORD_LIMIT", "STATES_SCHEMA", "Extracted", "ExtractedFiles", "FileCounts", "quarantined"]

RAW_RECORD_LIMIT = 65_536
"""Characters kept of a refused record; a file refused whole is kept whole beside the table."""

FILE_AT = "_file_at"
"""Column that tells rows of several files apart: the file's position in what was read together, from 0 (Int64)."""

QUARANTINE_SCHEMA: dict[str, pl.DataType] = {
    "table_name": pl.String(),
    "reason_code": pl.String(),
    "reason": pl.String(),
    "line": pl.Int64(),
    "segment": pl.String(),
    "field": pl.String(),
    "raw_record": pl.String(),
}


STATES_SCHEMA: dict[str, pl.DataType] = {
    "idoc": pl.Int64(),
    "docnum": pl.String(),
    "mestyp": pl.String(),
    "skipped": pl.String(),
    "reason_code": pl.String(),
    "segment": pl.String(),
    "field": pl.String(),
    "line": pl.Int64(),
    FILE_AT: pl.Int64(),
}
"""What became of each IDoc: one row where it was accepted, with no reason code, and otherwise one per refused record.

`idoc` is its position in the file from 1; null, like its number, where the whole file was refused. `skipped` names segments
that nobody could read. No value that was delivered is in here but the IDoc's number and message type.
"""


@dataclass(frozen=True)
class Extracted:
    """One file read.

    `accepted` holds one frame per table, in the contract's schema plus `_line` (Int64: line of the file from 1).
    `quarantined` has QUARANTINE_SCHEMA, one row per refused record.
    `records_in` is counted while parsing, before any record is judged: records_in = accepted + quarantined.
    `refused_whole` tells that the file could not be read at all and counts as one refused record.
    """

    accepted: dict[str, pl.DataFrame] = field(default_factory=dict)
    quarantined: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=QUARANTINE_SCHEMA))
    records_in: int = 0
    refused_whole: bool = False

    @property
    def records_accepted(self) -> int:
        """Rows in all accepted frames."""
        return sum(frame.height for frame in self.accepted.values())


@dataclass(frozen=True)
class FileCounts:
    """What one file held, in numbers: records_in = accepted + quarantined; the tables it speaks to, in name order."""

    records_in: int = 0
    records_accepted: int = 0
    records_quarantined: int = 0
    tables: tuple[str, ...] = ()
    refused_whole: bool = False


@dataclass(frozen=True)
class ExtractedFiles:
    """Several files read at once: frames as in `Extracted`, with FILE_AT in each, and the numbers of every file in order.

    `states` tells what became of the IDocs among them, in STATES_SCHEMA.
    """

    accepted: dict[str, pl.DataFrame]
    quarantined: pl.DataFrame
    files: tuple[FileCounts, ...]
    states: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=STATES_SCHEMA))

    @classmethod
    def of(cls, parts: Sequence[tuple[ExtractedFiles, Sequence[int]]]) -> ExtractedFiles:
        """Parts put together; beside each stand the positions that its files take. Every position is taken once."""
        moved = [(part, pl.Series(FILE_AT, positions, dtype=pl.Int64())) for part, positions in parts]
        tables = list(dict.fromkeys(table for part, _ in parts for table in part.accepted))
        empty = pl.DataFrame(schema={**QUARANTINE_SCHEMA, FILE_AT: pl.Int64()})
        files = {at: counts for part, positions in parts for at, counts in zip(positions, part.files, strict=True)}
        return cls(
            {table: pl.concat([_moved(part.accepted[table], to) for part, to in moved if table in part.accepted]) for table in tables},
            pl.concat([empty, *(_moved(part.quarantined, to) for part, to in moved if part.quarantined.height)]),
            tuple(files[at] for at in range(len(files))),
            pl.concat([pl.DataFrame(schema=STATES_SCHEMA), *(_moved(part.states, to) for part, to in moved if part.states.height)]),
        )

    @classmethod
    def single(cls, extracted: Extracted) -> ExtractedFiles:
        """One file alone, at position 0."""
        at = pl.lit(0, dtype=pl.Int64()).alias(FILE_AT)
        frames, refused = extracted.accepted, extracted.quarantined
        counts = FileCounts(
            extracted.records_in, extracted.records_accepted, refused.height, tuple(sorted(frames)), extracted.refused_whole
        )
        return cls({table: frame.with_columns(at) for table, frame in frames.items()}, refused.with_columns(at), (counts,))

    @classmethod
    def counted(
        cls,
        accepted: dict[str, pl.DataFrame],
        quarantined: pl.DataFrame,
        *,
        records_in: Sequence[int],
        whole: Collection[int],
        states: pl.DataFrame,
    ) -> ExtractedFiles:
        """Frames whose rows are counted by file; `whole` are the positions of files that could not be read at all."""
        taken = [0] * len(records_in)
        tables: list[list[str]] = [[] for _ in records_in]
        for table, frame in sorted(accepted.items()):
            for at, rows in frame[FILE_AT].value_counts().iter_rows():
                taken[at] += rows
                tables[at].append(table)
        refused = dict(quarantined[FILE_AT].value_counts().iter_rows())
        files = (FileCounts(n, taken[at], refused.get(at, 0), tuple(tables[at]), at in whole) for at, n in enumerate(records_in))
        return cls(accepted, quarantined, tuple(files), states)

    def file(self, at: int = 0) -> Extracted:
        """What the file at this position held."""
        mine, counts = pl.col(FILE_AT) == at, self.files[at]
        accepted = {table: self.accepted[table].filter(mine).drop(FILE_AT) for table in counts.tables}
        return Extracted(accepted, self.quarantined.filter(mine).drop(FILE_AT), counts.records_in, counts.refused_whole)


def _moved(frame: pl.DataFrame, positions: pl.Series) -> pl.DataFrame:
    return frame.with_columns(positions.gather(frame[FILE_AT]))


def quarantined(rows: list[dict]) -> pl.DataFrame:
    """Rows of refused records as a frame with QUARANTINE_SCHEMA; absent keys are null, raw records cut to the limit."""
    cut = [{**row, "raw_record": (row.get("raw_record") or "")[:RAW_RECORD_LIMIT]} for row in rows]
    try:
        return pl.DataFrame(cut, schema=QUARANTINE_SCHEMA)
    except UnicodeEncodeError:
        # A field may be named by half of a character (a lone surrogate); it is shown as it was written.
        shown = [{name: as_written(value) if isinstance(value, str) else value for name, value in row.items()} for row in cut]
        return pl.DataFrame(shown, schema=QUARANTINE_SCHEMA)
