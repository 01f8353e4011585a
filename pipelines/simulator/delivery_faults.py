"""Faults of delivery itself: files that come days late, files that come twice.

Which file is affected belongs here. A late record sits in the file of the day on which it was delivered; a copy is a
second file with the same bytes; a repeat is a second file with some of the same IDocs under the same numbers. Faults
of goods are in faults.py.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from pipelines.simulator.config import SimulationConfig
from pipelines.simulator.master import CENTRES

__all__ = ["FileDays", "plan_file_days", "repeat_files"]

_FEEDS = ("handheld", "wms", "mbgmcr_HANDHELD", "mbgmcr_WMS", "delvry", "carrier")
_NEVER_TWICE = ("sap/", "marketing/", "planning/", "quality/", "rollout/")
_REPEATED = {"sap/goods_movements": 2, "pos/receipts": 2}


@dataclass(frozen=True)
class FileDays:
    """Day of the file that carries a day's records: by feed, and by store and day for till receipts."""

    feeds: dict[str, np.ndarray]
    tills: np.ndarray

    def of(self, feed: str, day: np.ndarray) -> np.ndarray:
        """File day of each record day."""
        return self.feeds[feed][day]


def plan_file_days(config: SimulationConfig) -> FileDays:
    """Chooses the late days of each feed, at least one, and the late till files, at least three."""
    rng, rate = config.rng("late_files"), config.faults.late_file
    regular = np.arange(config.days)
    feeds = {}
    for feed in _FEEDS:
        late = regular.copy()
        days = rng.choice(config.days - 12, max(1, round(rate * config.days)), replace=False)
        late[days] += rng.integers(1, 11, len(days))
        feeds[feed] = late
    tills = np.tile(regular, (CENTRES + config.stores, 1))
    cells = rng.choice(config.stores * (config.days - 12), max(3, round(rate * config.stores * config.days / 4)), replace=False)
    site, day = CENTRES + cells // (config.days - 12), cells % (config.days - 12)
    tills[site, day] += rng.integers(1, 11, len(cells))
    return FileDays(feeds, tills)


def repeat_files(config: SimulationConfig, feeds: dict[str, pl.DataFrame]) -> tuple[dict[str, pl.DataFrame], pl.DataFrame]:
    """The feeds with repeated IDocs added, and one row per duplicate: kind, table_name, original_file,
    duplicate_file, records.

    Rows of exact copies are not added: a copy has the same content hash, and `write` makes it from the original.
    """
    rng = config.rng("duplicate_files")
    found = []
    result = dict(feeds)
    for table, frame in feeds.items():
        if table.startswith(_NEVER_TWICE) and table != "sap/goods_movements":
            continue
        counts = frame.group_by("_file", maintain_order=True).len("records")
        number = max(1, round(config.faults.duplicate_file * len(counts)))
        chosen = np.sort(rng.choice(len(counts), min(len(counts), number), replace=False))
        found.append(_named(table, counts[chosen], kind="exact_copy", suffix="_copy"))
        if table in _REPEATED:
            wanted = counts[np.sort(rng.choice(len(counts), min(len(counts), _REPEATED[table]), replace=False))]
            again = _half_of_idocs(frame.filter(pl.col("_file").is_in(wanted["_file"].implode())))
            repeat = _named(
                table,
                again.group_by("_file", maintain_order=True).len("records"),
                kind="repeated_idocs",
                suffix="_again",
            )
            found.append(repeat)
            renamed = again.with_columns(pl.col("_file").replace_strict(repeat["original_file"], repeat["duplicate_file"]))
            result[table] = pl.concat([frame, renamed])
    return result, pl.concat(found)


def _half_of_idocs(rows: pl.DataFrame) -> pl.DataFrame:
    """The first half of the IDocs of each file, at least one."""
    nth = pl.col("docnum").rank("dense").over("_file")
    return rows.filter(nth <= (pl.col("docnum").n_unique().over("_file") + 1) // 2)


def _named(table: str, counts: pl.DataFrame, *, kind: str, suffix: str) -> pl.DataFrame:
    return counts.select(
        kind=pl.lit(kind),
        table_name=pl.lit(table),
        original_file=pl.col("_file"),
        duplicate_file=pl.col("_file").str.replace(r"\.(\w+)$", suffix + ".$1"),
        records=pl.col("records").cast(pl.Int64),
    )
