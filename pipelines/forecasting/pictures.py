"""Pictures of a backtest: frames in, PNG bytes out; nothing is shown or saved here."""

from __future__ import annotations

import polars as pl

from pipelines.forecasting.backtest import CHAMPION, Backtest
from pipelines.forecasting.quantiles import quantile_name
from pipelines.forecasting.summary import by_segment, quantiles_held
from pipelines.pictures import new_figure, plain, png_of

__all__ = ["coverage_picture", "effects_picture", "fan_picture", "segment_picture"]

_SHOWN_SERIES = 8


def fan_picture(found: Backtest, quantiles: list[float]) -> bytes:
    """The newest cut-off's fan against what came, with the history before it, for the largest series."""
    newest = found.forecasts.filter(pl.col("cutoff") == found.forecasts["cutoff"].max())
    largest = (
        newest.group_by("unique_id")
        .agg(pl.col("y").sum())
        .sort("y", "unique_id", descending=[True, False])["unique_id"]
        .head(_SHOWN_SERIES)
    )
    low, high = quantile_name(quantiles[0]), quantile_name(quantiles[-1])
    figure = new_figure(11, 1.9 * ((len(largest) + 1) // 2))
    position = {name: row for row, name in enumerate(found.panel.unique_id.to_list())}
    shown = 4 * found.panel.frequency.horizon + 8
    for place, name in enumerate(largest, 1):
        rows = newest.filter(pl.col("unique_id") == name).sort("ds")
        axes = figure.add_subplot((len(largest) + 1) // 2, 2, place)
        until = found.cutoffs[-1] + 1
        axes.plot(
            found.panel.ds[max(0, until - shown) : until], found.panel.y[position[name], max(0, until - shown) : until], ".-", color="grey"
        )
        axes.fill_between(rows["ds"], rows[low], rows[high], alpha=0.3, label=f"{low[-2:]} % to {high[-2:]} %")
        axes.plot(rows["ds"], rows["expected_units"], label="expected")
        axes.plot(rows["ds"], rows["y"], ".k", label="actual")
        axes.set_title(plain(f"{name} ({rows['model_name'][0]})"), fontsize=8)
        axes.tick_params(labelsize=6)
    figure.axes[0].legend(fontsize=6)
    figure.autofmt_xdate()
    return png_of(figure)


def segment_picture(found: Backtest) -> bytes:
    """MASE by segment, of what was served and of the best baseline there."""
    rows = by_segment(found)
    figure = new_figure(9, 1.2 + 0.35 * rows.height)
    axes = figure.add_subplot()
    places = range(rows.height)
    axes.barh([p - 0.2 for p in places], rows["mase"].to_list(), height=0.4, label="served")
    axes.barh([p + 0.2 for p in places], rows["best_baseline_mase"].to_list(), height=0.4, label="best baseline of the segment")
    axes.set_yticks(list(places), [plain(f"{s} ({n:,})") for s, n in rows.select("segment", "rows").iter_rows()], fontsize=7)
    axes.invert_yaxis()
    axes.set_xlabel("MASE")
    axes.legend(fontsize=7)
    return png_of(figure)


def coverage_picture(found: Backtest, quantiles: list[float]) -> bytes:
    """Share of periods at or below each quantile against the share asked for."""
    held = quantiles_held(found)
    figure = new_figure(4.5, 4.5)
    axes = figure.add_subplot()
    axes.plot([0, 1], [0, 1], "--", color="grey")
    for row in held.iter_rows(named=True):
        observed = [row[f"held_p{round(q * 100):02d}"] for q in quantiles]
        axes.plot(quantiles, observed, "o-", label="served" if row["model_name"] == CHAMPION else "own last periods")
    axes.set_xlabel("asked for")
    axes.set_ylabel("held")
    axes.legend(fontsize=7)
    return png_of(figure)


def effects_picture(effects: pl.DataFrame) -> bytes:
    """By how much demand is multiplied under each mark, per group, with its interval."""
    rows = effects.sort("covariate", "group")
    figure = new_figure(9, 1.0 + 0.25 * rows.height)
    axes = figure.add_subplot()
    places = list(range(rows.height))
    low, high = rows["factor"] - rows["factor_low"], rows["factor_high"] - rows["factor"]
    axes.errorbar(rows["factor"], places, xerr=[low, high], fmt="o", capsize=3)
    axes.axvline(1, linestyle="--", color="grey")
    axes.set_yticks(places, [plain(f"{c}, {g}") for c, g in rows.select("covariate", "group").iter_rows()], fontsize=7)
    axes.invert_yaxis()
    axes.set_xlabel("demand is multiplied by")
    return png_of(figure)
