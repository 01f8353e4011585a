"""Array helpers of the simulator: runs in sorted keys, look-ups of text, times as text and dates.

Pure functions on numpy arrays and polars series belong here. Nothing here knows what a store or a delivery is.
How they serve is seen best in postings.py.
"""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl

from pipelines.simulator.config import DAY_SECONDS

__all__ = [
    "by_day",
    "clock_text",
    "days_to_dates",
    "decimals",
    "numbers",
    "position_in_run",
    "run_starts",
    "seconds_to_times",
    "sorted_by",
    "text",
]

_EPOCH = date(1970, 1, 1)
_CLOCK = pl.Series([f"{s // 3600:02d}{s // 60 % 60:02d}{s % 60:02d}" for s in range(DAY_SECONDS)])


def run_starts(*keys: np.ndarray) -> np.ndarray:
    """True where a sorted sequence of keys takes a new value; the first element is always True."""
    starts = np.zeros(len(keys[0]), dtype=bool)
    if len(starts):
        starts[0] = True
    for key in keys:
        starts[1:] |= key[1:] != key[:-1]
    return starts


def position_in_run(starts: np.ndarray) -> np.ndarray:
    """Position of each element within its run, counted from 0."""
    index = np.arange(len(starts))
    return index - np.maximum.accumulate(np.where(starts, index, 0)) if len(starts) else index


def sorted_by(frame: pl.DataFrame, *keys: str) -> pl.DataFrame:
    """Rows in order of integer columns, ties in their present order.

    The keys are packed into as few integers as hold them: one such integer sorts three times as fast as five columns.
    """
    packed, bits = np.zeros(len(frame), dtype=np.int64), 0
    for key in reversed(keys):
        values = frame[key].to_numpy().astype(np.int64)
        values -= values.min(initial=0)
        width = int(values.max(initial=0)).bit_length()
        if bits + width > 63:
            return sorted_by(_sorted(frame, packed), *keys[: keys.index(key) + 1])
        packed |= values << bits
        bits += width
    return _sorted(frame, packed)


def _sorted(frame: pl.DataFrame, key: np.ndarray) -> pl.DataFrame:
    return frame.with_columns(packed=pl.Series(key)).sort("packed", maintain_order=True).drop("packed")


def text(table: pl.Series, index: np.ndarray | pl.Series) -> pl.Series:
    """`table[index]`; a negative index gives null."""
    position = np.asarray(index, dtype=np.int64)
    if position.min(initial=0) >= 0:
        return table.gather(position)
    return pl.concat([table, table.clear(1)], rechunk=True).gather(np.where(position < 0, len(table), position))


def numbers(prefix: str, values: np.ndarray | pl.Series, width: int) -> pl.Series:
    """Document numbers: a prefix and the value padded with zeros to `width` digits."""
    longer = (pl.Series("value", values).cast(pl.Int64) + 10**width).cast(pl.String)
    return pl.select(pl.concat_str(pl.lit(prefix), longer.str.slice(1))).to_series()


def by_day(start: date, count: int, pattern: str = "%Y%m%d") -> pl.Series:
    """Text of `count` days from `start`."""
    return pl.select(pl.date_range(pl.lit(start), pl.lit(start) + pl.duration(days=count - 1)).dt.strftime(pattern)).to_series()


def days_to_dates(start: date, days: np.ndarray | pl.Series) -> pl.Series:
    """Dates of days counted from `start`."""
    return (pl.Series(days).cast(pl.Int32) + (start - _EPOCH).days).cast(pl.Date)


def seconds_to_times(start: date, seconds: np.ndarray | pl.Series) -> pl.Series:
    """Timestamps (microseconds, UTC without zone) of seconds counted from midnight of `start`."""
    whole = pl.Series(seconds).cast(pl.Int64) + (start - _EPOCH).days * DAY_SECONDS
    return (whole * 1_000_000).cast(pl.Datetime("us"))


def clock_text(seconds: np.ndarray | pl.Series) -> pl.Series:
    """Time of day as HHMMSS."""
    return _CLOCK.gather(pl.Series(seconds).cast(pl.Int64) % DAY_SECONDS)


def decimals(values: np.ndarray | pl.Series, places: int, *, divisor: int = 1) -> pl.Series:
    """Integers divided by `divisor` as DECIMAL(15, places); exact below 2**53."""
    series = pl.Series(values)
    return (series if divisor == 1 else series / divisor).cast(pl.Decimal(15, places))
