"""Large files: IDoc files that memory cannot hold go to the lake by way of disk.

Reading a file part by part, and bringing the parts back, belong here; what a part holds does not (pipelines/sources).
A file that breaks off is refused whole, so nothing of it may be stored before its end was seen: hence the way by disk.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from pipelines.contracts import Contract
from pipelines.sources import read_in_parts
from pipelines.sources.extracted import FILE_AT, STATES_SCHEMA, ExtractedFiles, FileCounts

__all__ = ["Spilled", "frames_of", "spill"]


@dataclass
class Spilled:
    """One file read: its numbers, what became of its IDocs, and Parquet files of its records, by table, and of its refusals."""

    counts: FileCounts
    states: pl.DataFrame
    accepted: dict[str, list[Path]] = field(default_factory=dict)
    quarantined: list[Path] = field(default_factory=list)


def spill(path: Path, folder: Path, *, contracts: Mapping[str, Contract], layouts: Path | None = None) -> Spilled:
    """Read an IDoc file into Parquet files below the folder, which exists. Raises LayoutError and OSError, never for bad content."""
    totals = {"records_in": 0, "records_accepted": 0, "records_quarantined": 0}
    spilled = Spilled(FileCounts(), pl.DataFrame(schema=STATES_SCHEMA))
    states: list[pl.DataFrame] = []
    for number, part in enumerate(read_in_parts(path, contracts, layouts=layouts)):
        if part.files[0].refused_whole:
            return Spilled(part.files[0], part.states, {}, [_kept(part.quarantined, folder / f"refused-{number}.parquet")])
        totals = {name: count + getattr(part.files[0], name) for name, count in totals.items()}
        states.append(part.states)
        _keep(part, spilled, folder, number)
    spilled.counts = FileCounts(**totals, tables=tuple(sorted(spilled.accepted)))
    spilled.states = pl.concat([spilled.states, *states])
    return spilled


def frames_of(paths: Sequence[Path], lineage: Mapping[str, pl.Expr], columns: Sequence[str]) -> Iterator[pl.DataFrame]:
    """What the files hold, one at a time, with the lineage added."""
    for path in paths:
        yield pl.read_parquet(path).with_columns(**lineage).select(columns)


def _keep(part: ExtractedFiles, spilled: Spilled, folder: Path, number: int) -> None:
    for at, (table, frame) in enumerate(sorted(part.accepted.items())):
        spilled.accepted.setdefault(table, []).append(_kept(frame, folder / f"{number}-{at}.parquet"))
    if part.quarantined.height:
        spilled.quarantined.append(_kept(part.quarantined, folder / f"refused-{number}.parquet"))


def _kept(frame: pl.DataFrame, path: Path) -> Path:
    frame.drop(FILE_AT).write_parquet(path, compression="lz4")
    return path
