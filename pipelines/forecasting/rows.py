"""Rows: what a panel's rows have to be before they become a grid: keys, types and dates that mean what they say.

Refusing rows, with what is wrong, where, and what to do, belongs here; making the grid does not (panel.py).
"""

from __future__ import annotations

import polars as pl

from pipelines.forecasting.errors import PanelError

__all__ = ["KEYS", "PERIOD", "ROW", "checked_rows", "refuse_stray_dates"]

KEYS = ("unique_id", "ds", "y")
ROW, PERIOD = "__row", "__period"
"""Columns of our own, named as nobody's are."""
_MOST_PERIODS_A_LISTED, _FREE_PERIODS = 10, 400
"""A calendar of more periods than so many for each that is listed, beyond these, was stretched by a mistaken date."""


def checked_rows(frame: pl.DataFrame, where: str) -> pl.DataFrame:
    """The rows with ids as texts, days or period numbers, and demand as numbers. Raises PanelError for what is no panel."""
    missing = [name for name in KEYS if name not in frame.columns]
    if missing:
        raise PanelError(f"{where}: lacks {', '.join(missing)}; name its columns unique_id, ds, y (it has {', '.join(frame.columns)})")
    kind = frame.schema["ds"]
    if kind.is_integer():
        frame = _dates_of_numbers(frame)
    elif kind == pl.String:
        try:
            frame = frame.with_columns(pl.col("ds").str.to_date(strict=True))
        except pl.exceptions.PolarsError as error:
            raise PanelError(f"{where}: ds holds texts that are not dates like 2026-03-02 ({error})") from error
    elif isinstance(kind, pl.Datetime):
        # The day at the place of the time zone, not that of Greenwich.
        frame = frame.with_columns(pl.col("ds").dt.date())
    elif kind != pl.Date:
        raise PanelError(f"{where}: ds is {kind}; give dates, or whole numbers of periods")
    if not frame.schema["y"].is_numeric() and frame.schema["y"] != pl.Boolean:
        raise PanelError(f"{where}: y is {frame.schema['y']}; give numbers")
    mark = frame.schema.get("is_stock_out", pl.Boolean)
    if not (mark == pl.Boolean or mark.is_numeric() or mark == pl.Null):
        raise PanelError(f"{where}: is_stock_out is {mark}; give true and false, or 1 and 0")
    return _sane(frame.with_columns(pl.col("unique_id").cast(pl.String), pl.col("y").cast(pl.Float64).fill_nan(None)), where)


def _dates_of_numbers(frame: pl.DataFrame) -> pl.DataFrame:
    """Numbers like 20230102 are days and like 202301 months; others stay numbers of periods."""
    if frame["ds"].null_count() or frame.is_empty():
        return frame
    text = pl.col("ds").cast(pl.String)
    lowest, highest = frame["ds"].min(), frame["ds"].max()
    if lowest >= 1900_01_01 and highest <= 9999_12_31:
        days = frame.select(text.str.to_date("%Y%m%d", strict=False)).to_series()
    elif lowest >= 1900_01 and highest <= 2200_12:
        days = frame.select((text + "01").str.to_date("%Y%m%d", strict=False)).to_series()
    else:
        return frame
    return frame if days.null_count() else frame.with_columns(days.alias("ds"))


def _sane(frame: pl.DataFrame, where: str) -> pl.DataFrame:
    """The frame, whose types are right, unless keys are missing or repeated or demand is no demand."""
    for name in ("unique_id", "ds"):
        if frame[name].null_count():
            raise PanelError(f"{where}: {frame[name].null_count()} rows have no {name}; fill it or leave these rows out")
    if frame.select(pl.col("y").is_infinite().any()).item():
        raise PanelError(f"{where}: y is infinite in some rows; mend them or leave them empty")
    twice = frame.filter(pl.struct("unique_id", "ds").is_duplicated())
    if twice.height:
        row = twice.row(0, named=True)
        raise PanelError(f"{where}: holds series {row['unique_id']} at {row['ds']} more than once; add up its rows first")
    negative = frame.filter(pl.col("y") < 0)
    if negative.height:
        row = negative.row(0, named=True)
        raise PanelError(
            f"{where}: demand of series {row['unique_id']} at {row['ds']} is {row['y']:g}, as of {negative.height} rows in all; "
            "net returns at the period of their sale, or leave them out"
        )
    return frame


def refuse_stray_dates(frame: pl.DataFrame, where: str) -> None:
    """Raises PanelError where a few dates lie so far from the others that almost all periods between would be empty."""
    periods = frame[PERIOD].unique().sort()
    span = periods[-1] + 1
    if span <= _MOST_PERIODS_A_LISTED * periods.len() + _FREE_PERIODS:
        return
    at = periods.diff().arg_max()
    is_late = periods.len() - at <= at
    odd = frame.filter(pl.col(PERIOD) >= periods[at] if is_late else pl.col(PERIOD) < periods[at]).sort("ds", "unique_id")
    named = ", ".join(f"series {row['unique_id']} at {row['ds']}" for row in odd.head(3).iter_rows(named=True))
    raise PanelError(
        f"{where}: its dates span {span:,} periods of which {periods.len():,} are listed; {odd.height:,} rows lie {periods.diff().max():,} "
        f"periods from the others ({named}); mend their ds or leave them out"
    )
