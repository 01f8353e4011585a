"""What reading one delivered file yields: accepted records by table, refused records with their reasons.

The two shapes that every reader returns belong here. Reading itself, and storing, do not.
Reason codes are listed in README.md, section "When a record is refused".
"""

from __future__ import annotations

from dataclasses import dataclass, field

import polars as pl

__all__ = ["QUARANTINE_SCHEMA", "RAW_RECORD_LIMIT", "Extracted", "quarantined"]

RAW_RECORD_LIMIT = 65_536
"""Characters kept of a refused record; a file refused whole is kept whole beside the table."""

QUARANTINE_SCHEMA: dict[str, pl.DataType] = {
    "table_name": pl.String(),
    "reason_code": pl.String(),
    "reason": pl.String(),
    "line": pl.Int64(),
    "segment": pl.String(),
    "field": pl.String(),
    "raw_record": pl.String(),
}


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


def quarantined(rows: list[dict]) -> pl.DataFrame:
    """Rows of refused records as a frame with QUARANTINE_SCHEMA; absent keys are null, raw records cut to the limit."""
    cut = [{**row, "raw_record": (row.get("raw_record") or "")[:RAW_RECORD_LIMIT]} for row in rows]
    return pl.DataFrame(cut, schema=QUARANTINE_SCHEMA)
