"""Demand model: units a day per series for the coming days, with quantiles.

One model for all series and lead times: the smoothed level times the weekday's share is the start, and trees learn what to
multiply it with. Quantiles are the spread of actual over forecast in the backtest, by size of the forecast (split conformal,
per bin). Features are in pipelines/features/demand.py; knobs in pipelines/params.yaml.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl

from pipelines.features.demand import FEATURES, dense_panel, lead_time_rows, observed_until
from pipelines.models.training import FittedTrees, fit
from pipelines.params import DemandParams, Params

__all__ = [
    "DemandModel",
    "backtest_demand",
    "demand_cutoffs",
    "forecast_demand",
    "quantile_name",
    "spread_of",
    "train_demand",
    "with_quantiles",
]

_CAP = 50.0
"""Actual over forecast beyond this is a bin's outlier, not its spread."""


@dataclass(frozen=True)
class DemandModel:
    """Fitted trees, and per bin of the forecast the ratio of actual to forecast at each quantile."""

    trees: FittedTrees
    spread: pl.DataFrame

    def predict(self, rows: pl.DataFrame) -> pl.DataFrame:
        """The lead-time rows with expected_units and one column per quantile, units a day."""
        return with_quantiles(_with_mean(self.trees, rows), self.spread)


def demand_cutoffs(panel: pl.DataFrame, params: DemandParams) -> list[date]:
    """Origins of the backtest, oldest first: the newest lies one horizon before the last observed day.

    Empty where the history is too short for one.
    """
    last, first = observed_until(panel), panel["ds"].min()
    origins = [last - timedelta(days=params.horizon_days + n * params.cutoff_step_days) for n in range(params.cutoffs)]
    return sorted(origin for origin in origins if (origin - first).days >= params.minimum_history_days)


def backtest_demand(panel: pl.DataFrame, params: Params) -> pl.DataFrame:
    """Forecasts of a rolling origin beside what was sold: one row per cut-off, series and day.

    Columns: unique_id, cutoff, ds, lead_time_days, y, is_stock_out, seasonal_naive, expected_level, expected_units. Each
    cut-off's model is fitted on rows whose days all lie at or before it.
    """
    panel = dense_panel(panel)
    cutoffs = demand_cutoffs(panel, params.demand)
    judged = []
    for cutoff in cutoffs:
        trees = _fit(_training_rows(panel, cutoff, params), params)
        judged.append(_with_mean(trees, lead_time_rows(panel, [cutoff], params.demand)))
    columns = ["ds", "lead_time_days", "y", "is_stock_out", "seasonal_naive", "expected_level", "expected_units"]
    return pl.concat(judged).select("unique_id", pl.col("as_of").alias("cutoff"), *columns).sort("cutoff", "unique_id", "ds")


def train_demand(panel: pl.DataFrame, spread: pl.DataFrame, params: Params) -> DemandModel:
    """The model fitted on all observed days, with the spread that a backtest gave."""
    panel = dense_panel(panel)
    return DemandModel(_fit(_training_rows(panel, observed_until(panel), params), params), spread)


def forecast_demand(model: DemandModel, panel: pl.DataFrame, params: DemandParams) -> pl.DataFrame:
    """One row per series and day of the coming horizon: expected_units and the quantiles, units a day."""
    panel = dense_panel(panel)
    return model.predict(lead_time_rows(panel, [observed_until(panel)], params))


def spread_of(judged: pl.DataFrame, params: DemandParams) -> pl.DataFrame:
    """One row per bin of the forecast: its upper edge, and actual over forecast at each quantile.

    Days without stock say nothing about demand and are left out.
    """
    known = judged.filter(pl.col("y").is_not_null() & ~pl.col("is_stock_out"))
    bins = max(1, min(params.quantile_bins, known.height // params.minimum_bin_rows))
    edges = known.select(pl.col("expected_units").quantile(n / bins).alias(str(n)) for n in range(1, bins)).row(0) if bins > 1 else ()
    edges = sorted({*edges, float("inf")})
    ratio = (pl.col("y") / pl.col("expected_units")).clip(upper_bound=_CAP)
    found = (
        _binned(known, edges)
        .group_by("upper_edge")
        .agg(ratio.quantile(q, interpolation="higher").alias(quantile_name(q)) for q in params.quantiles)
    )
    return pl.DataFrame({"upper_edge": edges}).join(found, on="upper_edge", how="left").fill_null(strategy="backward").sort("upper_edge")


def with_quantiles(forecast: pl.DataFrame, spread: pl.DataFrame) -> pl.DataFrame:
    """The forecast with one column per quantile: its bin's ratio times expected_units."""
    names = [name for name in spread.columns if name != "upper_edge"]
    binned = _binned(forecast, spread["upper_edge"].to_list()).join(spread, on="upper_edge", how="left", maintain_order="left")
    return binned.with_columns((pl.col(name) * pl.col("expected_units")).alias(name) for name in names).drop("upper_edge")


def quantile_name(quantile: float) -> str:
    """Column of a quantile: 0.1 becomes units_p10."""
    return f"units_p{round(quantile * 100):02d}"


def _binned(frame: pl.DataFrame, edges: Sequence[float]) -> pl.DataFrame:
    position = np.searchsorted(np.array(edges), frame["expected_units"].to_numpy(), side="left")
    return frame.with_columns(pl.Series("upper_edge", np.array(edges)[np.minimum(position, len(edges) - 1)], dtype=pl.Float64))


def _training_rows(panel: pl.DataFrame, cutoff: date, params: Params) -> pl.DataFrame:
    """Rows with demand known by the cut-off, for as-of dates in steps back from it."""
    knobs = params.demand
    oldest = max(cutoff - timedelta(days=knobs.as_of_window_days), panel["ds"].min() + timedelta(days=knobs.seasonal_period_days))
    as_of_dates = [cutoff - timedelta(days=n) for n in range(1, (cutoff - oldest).days + 1, knobs.as_of_step_days)]
    rows = lead_time_rows(panel, as_of_dates, knobs, at_most=knobs.maximum_training_rows, seed=params.training.seed)
    return rows.filter(pl.col("y").is_not_null() & (pl.col("ds") <= cutoff) & ~pl.col("is_stock_out"))


def _fit(rows: pl.DataFrame, params: Params) -> FittedTrees:
    start = np.log(rows["expected_level"].to_numpy())
    return fit(rows, FEATURES, "y", starting_score=start, options=params.demand.lightgbm, training=params.training)


def _with_mean(trees: FittedTrees, rows: pl.DataFrame) -> pl.DataFrame:
    expected = rows["expected_level"].to_numpy() * np.exp(trees.raw_scores(rows))
    return rows.with_columns(pl.Series("expected_units", expected))
