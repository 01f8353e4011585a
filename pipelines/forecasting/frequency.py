"""Frequency: which calendar a panel ticks in, and where in it a date lies.

A period is numbered from the panel's first; all else of this package counts in such numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import polars as pl

from pipelines.forecasting.errors import PanelError

__all__ = ["FREQUENCIES", "Frequency", "infer_frequency"]


@dataclass(frozen=True)
class Frequency:
    """A calendar's tick: its name, the periods of its short season and of a year, and windows that suit it.

    `half_lives` are those of the smoothed levels, `windows` the trailing windows of features, in periods; `holdout` how far
    back champions are chosen and spreads are measured; `season_length` 1 and `year_length` 0 where there is none.
    """

    name: str
    step: str
    season_length: int
    year_length: int
    horizon: int
    minimum_history: int
    half_lives: tuple[float, ...]
    windows: tuple[int, ...]
    holdout: int


FREQUENCIES = {
    "daily": Frequency("daily", "1d", 7, 364, 28, 56, (5.0, 14.0, 42.0), (1, 7, 14, 28, 56, 91, 182, 364), 56),
    "weekly": Frequency("weekly", "1w", 1, 52, 4, 26, (1.5, 4.0, 8.0), (1, 2, 4, 8, 13, 26, 52), 13),
    "monthly": Frequency("monthly", "1mo", 1, 12, 3, 12, (1.0, 2.5, 6.0), (1, 2, 3, 6, 12, 24), 6),
    "periods": Frequency("periods", "1", 1, 0, 4, 12, (1.5, 4.0, 8.0), (1, 2, 4, 8, 13, 26), 12),
}
"""The calendars that are known; `periods` are plain numbers, of which no season is known."""


def infer_frequency(ds: pl.Series) -> str:
    """Name of the calendar that these distinct dates or numbers tick in."""
    days = ds.drop_nulls().unique().sort()
    if days.dtype.is_integer():
        return "periods"
    if days.len() < 2:
        raise PanelError(f"the panel holds {days.len()} period; it takes at least two to tell a frequency: name it in the configuration")
    gaps = days.diff().drop_nulls().dt.total_days()
    if days.dt.day().n_unique() == 1 and gaps.min() >= 28:
        return "monthly"
    return "weekly" if (gaps % 7 == 0).all() else "daily"


def period_number(column: str, first: date | int, frequency: Frequency) -> pl.Expr:
    """Periods from the first to the column's date; empty where the date lies between two periods."""
    if isinstance(first, int):
        return (pl.col(column).cast(pl.Int64) - first).cast(pl.Int32)
    if frequency.name == "monthly":
        months = (pl.col(column).dt.year().cast(pl.Int32) - first.year) * 12 + pl.col(column).dt.month().cast(pl.Int32) - first.month
        return pl.when(pl.col(column).dt.day() == first.day).then(months)
    length = 7 if frequency.name == "weekly" else 1
    days = (pl.col(column) - pl.lit(first)).dt.total_days()
    return pl.when(days % length == 0).then((days // length).cast(pl.Int32))


def period_dates(first: date | int, count: int, frequency: Frequency) -> pl.Series:
    """The dates or numbers of so many periods from the first."""
    if isinstance(first, int):
        return pl.Series("ds", range(first, first + count), dtype=pl.Int64)
    starts = pl.select(pl.lit(first).dt.offset_by(pl.format("{}{}", pl.int_range(count), pl.lit(frequency.step[1:])))).to_series()
    return starts.cast(pl.Date).rename("ds")
