"""Demand of our own panel: which of its columns are what, and what a judged engine looks like to learning and scoring.

The engine itself is that for anybody's panel (pipelines/forecasting); knobs stand in pipelines/params.yaml.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from pipelines.forecasting.backtest import Backtest
from pipelines.forecasting.config import ForecastConfig, config_of
from pipelines.forecasting.engine import DemandEngine, forecast_panel, learn_panel
from pipelines.forecasting.errors import PanelError
from pipelines.forecasting.launches import launch_forecasts
from pipelines.forecasting.panel import panel_of
from pipelines.forecasting.unconstrained import with_unconstrained_demand
from pipelines.params import Params

__all__ = [
    "BASELINE",
    "LAUNCH",
    "LAUNCH_SEGMENT",
    "LearnedDemand",
    "demand_config",
    "demand_features",
    "forecast_demand",
    "learn",
    "observed_until",
]

BASELINE = "seasonal_naive"
LAUNCH = "launch"
"""Who forecasts what has never sold: pipelines/forecasting/launches.py."""
LAUNCH_SEGMENT = "unsold/new"
_DEMAND = "demand of y and is_stock_out: unconstrained"
"""What the engine makes of both: a champion that was fitted to another demand does not stand."""


@dataclass(frozen=True)
class LearnedDemand:
    """A judged engine: the newest cut-off's days beside what was forecast, the figures over all cut-offs by model, and the engine."""

    backtest: Backtest
    engine: DemandEngine
    newest: pl.DataFrame
    figures: dict[str, dict[str, Any]]

    @property
    def best_baseline(self) -> str:
        """The baseline with the smallest WAPE over all cut-offs."""
        return min(self.backtest.lineup.baselines, key=lambda name: self.figures[name]["wape"])


def demand_config(params: Params, columns: Sequence[str]) -> ForecastConfig:
    """How a panel with these columns is read and judged; covariates that it lacks are done without."""
    knobs = params.demand
    return config_of(
        {
            "frequency": "daily",
            "horizon": knobs.horizon_days,
            "cutoffs": knobs.cutoffs,
            "cutoff_step": knobs.cutoff_step_days,
            "validation_cutoffs": knobs.validation_cutoffs,
            "minimum_history": knobs.minimum_history_days,
            "quantiles": knobs.quantiles,
            "static": [name for name in knobs.static if name in columns],
            "known": [name for name in knobs.known if name in columns],
            "past": [name for name in knobs.past if name in columns],
            "models": knobs.models,
            "seed": params.training.seed,
            "threads": params.training.threads,
            "trees": knobs.trees,
        },
        "params.yaml, section demand",
    )


def demand_features(params: Params) -> list[str]:
    """The panel's columns that a forecast reads; what is made of them is the engine's."""
    knobs = params.demand
    return [_DEMAND, *knobs.static, *knobs.known, *knobs.past]


def observed_until(panel: pl.DataFrame) -> date:
    """The last day with known demand. Raises PanelError where there is none."""
    last = panel.filter(pl.col("y").is_not_null())["ds"].max()
    if last is None:
        raise PanelError("the panel holds no day with known demand")
    return last


def has_sold(panel: pl.DataFrame) -> bool:
    """Whether any series of the panel ever sold anything: all that came back soon was no demand."""
    return bool((panel["y"] > 0).any())


def learn(panel: pl.DataFrame, params: Params) -> LearnedDemand | None:
    """Learn from the panel and judge on past cut-offs; None where nothing sold yet, or the history is too short for one.

    `newest` holds the days of the newest cut-off with known demand: a period that never had stock tells no demand.
    """
    if not has_sold(panel):
        return None
    config = demand_config(params, panel.columns)
    dense = panel_of(panel, config)
    if dense.observed - 1 - config.horizon < config.minimum_history:
        return None
    try:
        found, engine = learn_panel(dense, config)
    except PanelError:
        return None
    cutoff = found.cutoffs[-1]
    naive = found.ledger[cutoff].forecasts[BASELINE]
    row = {name: position for position, name in enumerate(found.panel.unique_id.to_list())}
    newest = found.forecasts.filter((pl.col("cutoff") == found.panel.ds[cutoff]) & pl.col("y").is_not_null())
    places = newest["unique_id"].replace_strict(row, return_dtype=pl.Int64).to_numpy()
    newest = newest.with_columns(pl.Series("seasonal_naive", naive[places, newest["lead"].to_numpy() - 1]))
    overall = found.metrics.filter(
        pl.col("cutoff").is_null() & pl.col("lead").is_null() & pl.col("segment").is_null() & (pl.col("level") == "series")
    )
    return LearnedDemand(found, engine, newest, {line["model_name"]: line for line in overall.iter_rows(named=True)})


def forecast_demand(engine: DemandEngine, panel: pl.DataFrame, params: Params) -> pl.DataFrame:
    """One row per series and day of the coming horizon: expected_units and quantiles in units a day, who forecast it, and why so.

    The engine forecasts what has sold; what has not, or is still to be launched, is forecast from its siblings (LAUNCH).
    """
    served = forecast_panel(engine, panel_of(panel, demand_config(params, panel.columns)), with_reasons=True)
    return pl.concat([served, _unsold(panel, served, params)], how="diagonal_relaxed")


def _unsold(panel: pl.DataFrame, served: pl.DataFrame, params: Params) -> pl.DataFrame:
    """The same rows for series of the panel that the engine has no forecast of, from their launch on."""
    last, knobs = observed_until(panel), params.demand
    ahead = panel.filter(pl.col("ds") > last)
    unsold = ahead.join(served, on="unique_id", how="anti")["unique_id"].unique().sort().to_frame()
    if unsold.is_empty():
        return served.clear()
    statics = [name for name in knobs.launch_effects if name in panel.columns]
    article, category = ("article_id", "merchandise_category_code")
    of_series = panel.group_by("unique_id").agg(pl.col(name).drop_nulls().first() for name in {*statics, article, category})
    starts = panel.group_by("unique_id").agg(pl.col("ds").min().alias("launch_ds"))
    known = with_unconstrained_demand(panel.select("unique_id", "ds", "y", "is_stock_out")).with_columns(y="demand").drop_nulls("y")
    made = launch_forecasts(
        known, of_series, unsold.join(starts, on="unique_id"), knobs.horizon_days,
        params.launches, effects=statics, article=article, category=category, cutoff=last, quantiles=knobs.quantiles,
    )  # fmt: skip
    return (
        made.join(starts, on="unique_id")
        .filter(pl.col("ds") >= pl.col("launch_ds"))
        .with_columns(
            pl.lit(LAUNCH).alias("model_name"),
            pl.lit(LAUNCH_SEGMENT).alias("segment"),
            pl.format("never sold here: as its siblings and this site let expect, {} days after launch", "periods_since_launch").alias(
                "reason_1"
            ),
        )
        .select(name for name in served.columns if name in {*made.columns, "model_name", "segment", "reason_1"})
    )
