"""Plots: pictures of a model for the page of its asset.

Frames in, PNG bytes out; nothing is shown or saved here.
"""

from __future__ import annotations

import polars as pl

from pipelines.pictures import new_figure, png_of

__all__ = ["accuracy_plot", "calibration_plot", "coverage_plot", "fan_plot", "importance_plot"]

_SHOWN_SERIES = 6


def fan_plot(judged: pl.DataFrame, low: str, high: str) -> bytes:
    """Forecast fan against actual for the largest series of the newest cut-off, units a day."""
    largest = judged.group_by("unique_id").agg(pl.col("y").sum()).sort("y", "unique_id", descending=[True, False])
    names = largest["unique_id"].head(_SHOWN_SERIES).to_list()
    figure = new_figure(10, 2.2 * ((len(names) + 1) // 2))
    for position, name in enumerate(names, 1):
        rows = judged.filter(pl.col("unique_id") == name).sort("ds")
        axes = figure.add_subplot((len(names) + 1) // 2, 2, position)
        axes.fill_between(rows["ds"], rows[low], rows[high], alpha=0.3, label=f"{low[-2:]} % to {high[-2:]} %")
        axes.plot(rows["ds"], rows["expected_units"], label="expected")
        axes.plot(rows["ds"], rows["y"], ".k", label="actual")
        axes.set_title(name, fontsize=8)
        axes.tick_params(labelsize=6)
    figure.axes[0].legend(fontsize=6)
    figure.autofmt_xdate()
    return png_of(figure)


def accuracy_plot(by_segment: pl.DataFrame) -> bytes:
    """WAPE by week and segment, all lead times together; the line of all segments is black."""
    weeks = (
        by_segment.with_columns(week=pl.col("forecast_date").dt.truncate("1w"))
        .group_by("segment", "week")
        .agg(wape=pl.col("absolute_error_units").sum() / pl.col("units_demanded").sum())
        .filter(pl.col("wape").is_finite())
        .sort("segment", "week")
    )
    figure = new_figure(8, 4)
    axes = figure.add_subplot()
    for (segment,), rows in weeks.group_by("segment", maintain_order=True):
        axes.plot(rows["week"], rows["wape"], "o-", label=segment, **({"color": "black", "linewidth": 2} if segment == "all" else {}))
    axes.set_ylabel("sum of absolute errors over demand")
    axes.tick_params(labelsize=7)
    axes.legend(fontsize=6)
    figure.autofmt_xdate()
    return png_of(figure)


def coverage_plot(covered: pl.DataFrame) -> bytes:
    """Share of days at or below each quantile against the share asked for."""
    return _against_diagonal(covered["nominal"].to_list(), covered["observed"].to_list(), "asked for", "held")


def calibration_plot(judged: pl.DataFrame, bins: int = 10) -> bytes:
    """Observed share of returns against the predicted probability, by decile of the prediction."""
    ranked = judged.with_columns((pl.col("probability").rank("ordinal") * bins / (pl.len() + 1)).cast(pl.Int32).alias("bin"))
    means = ranked.group_by("bin").agg(pl.col("probability").mean(), pl.col("is_returned").mean()).sort("bin")
    return _against_diagonal(means["probability"].to_list(), means["is_returned"].to_list(), "predicted", "observed")


def importance_plot(importance: pl.DataFrame) -> bytes:
    """Share of the gain by feature, largest on top."""
    rows = importance.head(15).reverse()
    figure = new_figure(7, 4)
    axes = figure.add_subplot()
    axes.barh(rows["feature"].to_list(), rows["gain_share"].to_list())
    axes.set_xlabel("share of gain")
    axes.tick_params(labelsize=7)
    return png_of(figure)


def _against_diagonal(x: list[float], y: list[float], x_label: str, y_label: str) -> bytes:
    figure = new_figure(4, 4)
    axes = figure.add_subplot()
    top = max([*x, *y]) * 1.1
    axes.plot([0, top], [0, top], "--", color="grey")
    axes.plot(x, y, "o-")
    axes.set_xlabel(x_label)
    axes.set_ylabel(y_label)
    return png_of(figure)
