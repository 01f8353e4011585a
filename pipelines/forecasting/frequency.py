"""Frequency: which calendar a panel ticks in, and where in it a date lies.

A period is numbered from the panel's first; all else of this package counts in such numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from math import gcd

import polars as pl

from pipelines.forecasting.errors import PanelError

__all__ = ["FREQUENCIES", "Frequency", "infer_frequency", "period_dates", "period_number", "snapped"]

_USUAL_SHARE = 0.9
_DAYS_OF_MONTH = 365.25 / 12
_TELLING = 4
"""Fewer gaps than these may be long by chance."""


@dataclass(frozen=True)
class Frequency:
    """A calendar's tick: its name, the periods of its short season and of a year, and windows that suit it.

    `half_lives` are those of the smoothed levels, `windows` the trailing windows of features, in periods; `holdout` how far
    back champions are chosen and spreads are measured; `season_length` 1 and `year_length` 0 where there is none;
    `is_month_end`: a month is named by its last day.
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
    is_month_end: bool = False


FREQUENCIES = {
    "daily": Frequency("daily", "1d", 7, 364, 28, 56, (5.0, 14.0, 42.0), (1, 7, 14, 28, 56, 91, 182, 364), 56),
    "weekly": Frequency("weekly", "1w", 1, 52, 4, 26, (1.5, 4.0, 8.0), (1, 2, 4, 8, 13, 26, 52), 13),
    "monthly": Frequency("monthly", "1mo", 1, 12, 3, 12, (1.0, 2.5, 6.0), (1, 2, 3, 6, 12, 24), 6),
    "periods": Frequency("periods", "1", 1, 0, 4, 12, (1.5, 4.0, 8.0), (1, 2, 4, 8, 13, 26), 12),
}
"""The calendars that are known; `periods` are plain numbers, of which no season is known."""


def infer_frequency(frame: pl.DataFrame, where: str = "the panel") -> str:
    """Name of the calendar that the series of a frame with unique_id and ds tick in, told from the usual gap within a series.

    A stray day does not make a weekly panel daily. Raises PanelError for calendars that are not known, such as quarters.
    """
    if frame.schema["ds"].is_integer():
        return "periods"
    days = frame["ds"].unique().sort()
    if days.len() < 2:
        raise PanelError(f"{where} holds {days.len()} period; it takes at least two to tell a frequency: name it in the configuration")
    gaps = frame.sort("unique_id", "ds").select(pl.col("ds").diff().over("unique_id").dt.total_days()).to_series().drop_nulls()
    if gaps.is_empty():
        gaps = days.diff().drop_nulls().dt.total_days()
    if _is_monthly(frame, gaps):
        _must_tick((gaps / _DAYS_OF_MONTH).round(), "months", where)
        return "monthly"
    if (gaps % 7 == 0).mean() < _USUAL_SHARE:
        return "daily"
    _must_tick(gaps.filter(gaps % 7 == 0) // 7, "weeks", where)
    return "weekly"


def _is_monthly(frame: pl.DataFrame, gaps: pl.Series) -> bool:
    """Whether no series has two dates in a month, and its gaps are whole months give or take the days by which these differ."""
    ds = pl.col("ds")
    if gaps.min() < 26 or (gaps % 7 == 0).all():
        return False
    twice = frame.select(pl.struct("unique_id", ds.dt.year(), ds.dt.month().alias("month")).is_duplicated().any()).item()
    off = (gaps / _DAYS_OF_MONTH - (gaps / _DAYS_OF_MONTH).round()).abs() * _DAYS_OF_MONTH
    return not twice and bool((off <= 4).mean() >= _USUAL_SHARE)


def _must_tick(steps: pl.Series, name: str, where: str) -> None:
    """Raises PanelError where all gaps are several weeks or months: what lies between are no periods without demand."""
    common = gcd(*(int(step) for step in steps.unique().to_list()))
    if common > 1 and steps.len() >= _TELLING:
        raise PanelError(
            f"{where}: its dates lie {common} {name} apart, which is neither daily, weekly nor monthly; give ds as whole numbers of the "
            "period (0, 1, 2 and so on), with year_length in the configuration, or name the frequency"
        )


def snapped(frame: pl.DataFrame, frequency: Frequency, first: date | int, where: str) -> tuple[pl.DataFrame, int]:
    """The frame with each date moved to that of its period, counted from the first, and how many rows that moved.

    Weeks count from the most frequent weekday, dates go to the nearest; months have one date each. Raises PanelError where a series would
    have two rows in a period.
    """
    if frequency.name not in {"weekly", "monthly"} or not frame.schema["ds"].is_temporal():
        return frame, 0
    if frequency.name == "weekly":
        weekday = frame["ds"].dt.weekday().value_counts(sort=True).sort("count", "ds", descending=[True, False])["ds"][0]
        off = (pl.col("ds").dt.weekday().cast(pl.Int64) - weekday + 10) % 7 - 3
        moved = frame.with_columns((pl.col("ds") - pl.duration(days=off)).cast(pl.Date).alias("to"))
    elif frequency.is_month_end:
        moved = frame.with_columns(pl.col("ds").dt.month_end().alias("to"))
    else:
        day = frame["ds"].dt.day().mode().min()
        last = pl.col("ds").dt.month_end().dt.day()
        moved = frame.with_columns(pl.col("ds").dt.replace(day=pl.min_horizontal(last, pl.lit(day))).alias("to"))
    twice = moved.filter(pl.struct("unique_id", "to").is_duplicated())
    if twice.height:
        row = twice.sort("unique_id", "to", pl.col("ds") == pl.col("to")).row(0, named=True)
        raise PanelError(
            f"{where}: {row['ds']} of series {row['unique_id']} lies between two {frequency.name} periods counted from {first}, and the "
            "series has another row in that period; give each period one date, or name the frequency in the configuration"
        )
    changed = int((moved["ds"] != moved["to"]).sum())
    return moved.with_columns(pl.col("to").alias("ds")).drop("to"), changed


def period_number(column: str, first: date | int, frequency: Frequency) -> pl.Expr:
    """Periods from the first to the column's date, which is that of a period."""
    if isinstance(first, int):
        return (pl.col(column).cast(pl.Int64) - first).cast(pl.Int32)
    if frequency.name == "monthly":
        return (pl.col(column).dt.year().cast(pl.Int32) - first.year) * 12 + pl.col(column).dt.month().cast(pl.Int32) - first.month
    length = 7 if frequency.name == "weekly" else 1
    return ((pl.col(column) - pl.lit(first)).dt.total_days() // length).cast(pl.Int32)


def period_dates(first: date | int, count: int, frequency: Frequency) -> pl.Series:
    """The dates or numbers of so many periods from the first."""
    if isinstance(first, int):
        return pl.Series("ds", range(first, first + count), dtype=pl.Int64)
    starts = pl.select(pl.lit(first).dt.offset_by(pl.format("{}{}", pl.int_range(count), pl.lit(frequency.step[1:])))).to_series()
    starts = starts.cast(pl.Date).rename("ds")
    return starts.dt.month_end() if frequency.is_month_end else starts
