"""Plots: the trend of a feed for the page of its asset.

Frames in, PNG bytes out. What is usual is told in pipelines/checks/history.py.
"""

from __future__ import annotations

import polars as pl

from pipelines.checks.history import daily_volumes
from pipelines.pictures import new_figure, png_of

__all__ = ["broken_rows_plot", "volume_plot"]

_SHOWN_DAYS = 90


def volume_plot(rows_by_day: pl.DataFrame) -> bytes:
    """Rows per business day with the band that each weekday's past makes expect."""
    days = daily_volumes(rows_by_day).tail(_SHOWN_DAYS)
    figure = new_figure(8, 2.5)
    axes = figure.add_subplot()
    axes.fill_between(days["day"], days["low"].fill_null(float("nan")), days["high"].fill_null(float("nan")), alpha=0.3, label="usual")
    axes.plot(days["day"], days["rows"], ".-", label="rows")
    axes.legend(fontsize=7)
    axes.tick_params(labelsize=7)
    figure.autofmt_xdate()
    return png_of(figure)


def broken_rows_plot(history: pl.DataFrame) -> bytes:
    """Broken rows by check, errors and warnings; takes the table's rows of contract_results."""
    by_check = history.group_by("checked_at", "severity_code").agg(pl.col("rows_broken").sum()).sort("checked_at")
    figure = new_figure(8, 2)
    axes = figure.add_subplot()
    for severity, rows in sorted(by_check.partition_by("severity_code", as_dict=True).items()):
        axes.plot(rows["checked_at"], rows["rows_broken"], "o-", label=severity[0])
    axes.set_ylabel("broken rows", fontsize=7)
    axes.legend(fontsize=7)
    axes.tick_params(labelsize=7)
    figure.autofmt_xdate()
    return png_of(figure)
