"""Engine: what a panel taught, kept as texts, and the forecast of the coming periods that it gives.

Learning is a backtest, and then the same choices and fits once more at the last observed period. Where models and their cards are kept
is not decided here (pipelines/models/registry.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from pipelines.forecasting.backtest import Backtest, backtest
from pipelines.forecasting.champion import choose_champions, parts_of
from pipelines.forecasting.config import ForecastConfig
from pipelines.forecasting.features import FeatureMaker
from pipelines.forecasting.origins import LEARNED, Lineup, Timings, forecast_origin, known_at
from pipelines.forecasting.panel import Panel
from pipelines.forecasting.quantiles import SpreadTable, quantile_name
from pipelines.forecasting.reasons import reasons_of
from pipelines.forecasting.serving import Calibration, calibrated, serve_origin
from pipelines.forecasting.trees import TreeModel, fit_trees

__all__ = ["REASONS", "DemandEngine", "forecast_panel", "learn_panel"]

REASONS = [f"reason_{number}" for number in range(1, 6)]
"""Columns of the reasons, the largest first."""


@dataclass(frozen=True)
class DemandEngine:
    """Fitted trees (None where too little was known), who serves which segment, and what earlier origins say about it."""

    trees: TreeModel | None
    champions: pl.DataFrame
    calibration: Calibration
    horizon: int

    def as_texts(self) -> dict[str, Any]:
        """All of it as texts and numbers that JSON can hold."""
        return {
            "trees": self.trees.as_texts() if self.trees else None,
            "champions": self.champions.to_dicts(),
            "spread": self.calibration.spread.as_texts(),
            "bias": self.calibration.bias,
            "horizon": self.horizon,
        }

    @staticmethod
    def of_texts(kept: Mapping[str, Any]) -> DemandEngine:
        """The engine that as_texts gave."""
        trees = TreeModel.of_texts(kept["trees"]) if kept["trees"] else None
        calibration = Calibration(SpreadTable.of_texts(kept["spread"]), kept["bias"])
        return DemandEngine(trees, pl.DataFrame(kept["champions"]), calibration, kept["horizon"])


def learn_panel(panel: Panel, config: ForecastConfig) -> tuple[Backtest, DemandEngine]:
    """Judge on past cut-offs, then learn from all that is known. Raises PanelError where the history is too short."""
    found = backtest(panel, config)
    maker = FeatureMaker(found.panel)
    last, horizon = found.panel.observed - 1, found.panel.frequency.horizon
    known = known_at(found.ledger.values(), maker, last, found.lineup.models)
    champions = choose_champions(known, found.lineup.models, found.lineup.baselines)
    calibration = calibrated(known, champions, last, config, maker)
    trees = fit_trees(FeatureMaker(panel), last, horizon, config) if found.lineup.learned else None
    return found, DemandEngine(trees, champions, calibration, horizon)


def forecast_panel(engine: DemandEngine, panel: Panel, *, with_reasons: bool = False) -> pl.DataFrame:
    """One row per series and coming period: unique_id, ds, lead, expected_units, quantiles, model_name, segment, fallback_reason.

    Series whose first sale lies in the last observed period or earlier are all forecast. With reasons, also reason_1 to reason_5: what
    moved a learned forecast away from the level, in words; empty where a smoother alone serves. Those of the first lead of a block of
    leads (trees.lead_blocks) stand for all of the block.
    """
    maker, origin = FeatureMaker(panel), panel.observed - 1
    parts = sorted(
        {part for name in engine.champions["model_name"].to_list() + engine.champions["baseline_name"].to_list() for part in parts_of(name)}
    )
    lineup = Lineup([name for name in parts if name not in LEARNED], list(LEARNED) if engine.trees else [], {})
    one = forecast_origin(maker, origin, engine.trees, lineup, engine.horizon, engine.calibration.spread.quantiles, Timings())
    served = serve_origin(one, engine.champions, maker)
    expected, quantiles = engine.calibration.apply(one, served)
    rows = np.flatnonzero(one.alive)
    index = np.repeat(np.arange(len(rows)), engine.horizon)
    ahead = pl.Series("ds", [maker.date_of(origin + lead) for lead in range(1, engine.horizon + 1)])
    of_series = pl.DataFrame(
        {
            "unique_id": panel.unique_id.gather(rows),
            "model_name": served.model_name[rows].tolist(),
            "segment": one.segment[rows].tolist(),
            "fallback_reason": served.fallback_reason[rows].tolist(),
        },
        schema_overrides={"fallback_reason": pl.String},
    )
    leads = pl.DataFrame(
        {
            "ds": ahead.gather(np.tile(np.arange(engine.horizon), len(rows))),
            "lead": np.tile(np.arange(1, engine.horizon + 1, dtype=np.int32), len(rows)),
            "expected_units": expected[rows].ravel(),
            **{quantile_name(q): quantiles[rows][..., position].ravel() for position, q in enumerate(engine.calibration.spread.quantiles)},
        }
    )
    forecast = pl.concat([of_series[index], leads], how="horizontal").select("unique_id", pl.exclude("unique_id"))
    return _with_reasons(forecast, engine, maker, origin) if with_reasons else forecast


def _with_reasons(forecast: pl.DataFrame, engine: DemandEngine, maker: FeatureMaker, origin: int) -> pl.DataFrame:
    """The forecast with reasons; those of the first lead of a block stand for the block, since they cost far more than the forecast."""
    served = forecast.filter(pl.col("lead") == 1).select("unique_id", "model_name")
    is_told = pl.any_horizontal(pl.col("model_name").str.contains(name, literal=True) for name in LEARNED)
    served = served.filter(is_told) if engine.trees else served.clear()
    if served.is_empty():
        return forecast.with_columns(pl.lit(None, pl.String).alias(name) for name in REASONS)
    place = pl.DataFrame({"unique_id": maker.panel.unique_id, "place": np.arange(maker.panel.series)})
    rows = served.join(place, on="unique_id", how="left", maintain_order="left")["place"].to_numpy()
    is_by_trees = served["model_name"].str.contains("trees", literal=True).to_numpy()
    marks = [name for name, is_mark in maker.is_mark.items() if is_mark]
    period = {"daily": "day", "weekly": "week", "monthly": "month"}.get(maker.panel.frequency.name, "period")
    told = []
    for block in engine.trees.blocks:
        added, values = engine.trees.contributions(maker, origin, block.first, rows, is_by_trees)
        reasons = reasons_of(added, values, engine.trees.features, period=period, marks=marks)
        told.append(pl.concat([served.select("unique_id", pl.lit(block.first).alias("block")), reasons], how="horizontal"))
    first = pl.max_horizontal(pl.when(pl.col("lead") >= block.first).then(block.first) for block in engine.trees.blocks)
    joined = forecast.with_columns(first.alias("block")).join(pl.concat(told), on=["unique_id", "block"], how="left", maintain_order="left")
    return joined.drop("block")
