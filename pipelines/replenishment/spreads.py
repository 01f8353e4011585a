"""Spreads: how far demand of several days lies from what was expected of them, learned from sums of such days.

Quantiles of days do not add up to quantiles of their sum, so the spread is measured on sums. The estimate of over-dispersion per series,
drawn towards that of series of its size, belongs here; what is done with it does not (targets.py).
"""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl

__all__ = ["level_judged", "over_dispersion", "window_sums"]


def level_judged(history: pl.DataFrame, *, window_days: int, trailing_days: int, step_days: int) -> pl.DataFrame:
    """Sums of demand beside what the level before would have expected of them: one row per series and cut-off.

    Where no forecasts of the past are kept, this stands for them: `history` has unique_id, ds, demand (null where unknown) and
    demand_variance, a row per day, and `expected` is the mean demand of the trailing days times the window. Columns as window_sums gives
    them.
    """
    days = history.sort("unique_id", "ds")
    level = pl.col("demand").rolling_mean(trailing_days, min_samples=max(trailing_days // 2, 1)).over("unique_id")
    # The window after a day: the sum up to its end, less the sum up to the day.
    later, unseen = (
        pl.col(name).rolling_sum(window_days, min_samples=window_days).shift(-window_days).over("unique_id")
        for name in ("demand", "demand_variance")
    )
    last: date = history["ds"].max()
    since = (pl.lit(last) - pl.col("ds")).dt.total_days() - window_days
    return (
        days.with_columns(expected=level * window_days, units=later, unseen_variance=unseen, cutoff=pl.col("ds"))
        .filter(pl.col("units").is_not_null() & pl.col("expected").is_not_null() & (since % step_days == 0))
        .select("unique_id", "cutoff", "expected", "units", "unseen_variance")
    )


def window_sums(judged: pl.DataFrame, *, window_days: int) -> pl.DataFrame:
    """The same from kept forecasts: rows (unique_id, cutoff, lead, expected_units, demand, demand_variance) of the first days of each.

    Windows with a day whose demand is not known, since it had no stock to begin with or has not come yet, are left out.
    """
    is_whole = pl.col("demand").is_not_null().all() & (pl.len() == window_days)
    sums = {"expected": "expected_units", "units": "demand", "unseen_variance": "demand_variance"}
    return (
        judged.filter(pl.col("lead").is_between(1, window_days))
        .group_by("unique_id", "cutoff")
        .agg(*(pl.col(column).sum().cast(pl.Float64).alias(name) for name, column in sums.items()), is_whole=is_whole)
        .filter("is_whole")
        .drop("is_whole")
        .sort("unique_id", "cutoff")
    )


def over_dispersion(sums: pl.DataFrame, *, bins: int, prior_windows: float) -> pl.DataFrame:
    """One row per series: `over_dispersion` a, where variance of a sum = mean + a mean^2, and the windows behind it.

    By moments: sum((units - expected)^2 + unseen_variance - expected) / sum(expected^2), drawn towards that of all series of its bin by
    size, with the weight of so many windows. Never below 0 (Poisson). A null unique_id stands for any series that has no window: all
    series together.
    """
    schema = {"unique_id": pl.String, "over_dispersion": pl.Float64, "windows": pl.Int64}
    if sums.is_empty():
        return pl.DataFrame({"unique_id": [None], "over_dispersion": [0.0], "windows": [0]}, schema=schema)
    error = (pl.col("units") - pl.col("expected")) ** 2 + pl.col("unseen_variance") - pl.col("expected")
    square = pl.col("expected") ** 2
    series = sums.group_by("unique_id").agg(
        surplus=error.sum(), square=square.sum(), size=pl.col("expected").mean(), windows=pl.len().cast(pl.Int64)
    )
    ranked = series.with_columns(bin=((pl.col("size").rank("ordinal") - 1) * bins // pl.len()).cast(pl.Int32))
    pooled = ranked.group_by("bin").agg(pooled=(pl.col("surplus").sum() / pl.col("square").sum()).clip(lower_bound=0.0))
    own_weight = pl.col("square") / pl.col("windows") * prior_windows
    shrunk = (pl.col("surplus") + own_weight * pl.col("pooled")) / (pl.col("square") + own_weight)
    found = ranked.join(pooled, on="bin").select("unique_id", over_dispersion=shrunk.fill_nan(0.0).clip(lower_bound=0.0), windows="windows")
    everything = float(np.clip(series["surplus"].sum() / max(series["square"].sum(), 1e-12), 0.0, None))
    rest = pl.DataFrame({"unique_id": [None], "over_dispersion": [everything], "windows": [0]}, schema=schema)
    return pl.concat([found.sort("unique_id"), rest])
