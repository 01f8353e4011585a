"""Backtest: a panel is forecast from past cut-offs as it would have been then, and judged by what came.

At each cut-off, models are fitted, champions chosen and spreads measured on what was known by its end. Nothing is read or written here
(command.py); the pictures are in report.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from pipelines.forecasting.champion import choose_champions
from pipelines.forecasting.config import ForecastConfig
from pipelines.forecasting.cutoffs import cutoff_periods
from pipelines.forecasting.errors import PanelError
from pipelines.forecasting.features import FeatureMaker
from pipelines.forecasting.judging import Judged, metrics_table, scales_of
from pipelines.forecasting.origins import (
    Lineup,
    OriginForecasts,
    Timings,
    choose_lineup,
    demand_ahead,
    forecast_origin,
    known_at,
    validation_origins,
)
from pipelines.forecasting.panel import Panel
from pipelines.forecasting.quantiles import own_quantiles, quantile_name
from pipelines.forecasting.serving import Served, calibrated, serve_origin
from pipelines.forecasting.trees import TreeModel, fit_trees
from pipelines.progress import report

__all__ = ["CHAMPION", "EMPIRICAL", "Backtest", "backtest", "test_cutoffs"]

CHAMPION, EMPIRICAL = "champion", "empirical_quantiles"
_STAGE = "backtest demand"


@dataclass(frozen=True)
class Backtest:
    """All that a backtest found.

    `metrics`: one row per model and grouping (judging.metrics_table). `forecasts`: one row per series, cut-off and lead. `champions`:
    one row per cut-off and segment. `timings`: seconds by stage. `importance`: the newest trees' features. `notes`: what was inferred
    or left out, in words. `panel` and `cutoffs`: what was judged. `ledger`: what each model said at each origin.
    """

    metrics: pl.DataFrame
    forecasts: pl.DataFrame
    champions: pl.DataFrame
    timings: pl.DataFrame
    importance: pl.DataFrame | None
    notes: list[str]
    panel: Panel
    cutoffs: list[int]
    lineup: Lineup
    ledger: dict[int, OriginForecasts]


def test_cutoffs(panel: Panel, config: ForecastConfig) -> list[int]:
    """Origins of the test, oldest first; the newest lies one horizon before the last observed period. Raises PanelError."""
    usable = cutoff_periods(panel.observed, panel.frequency, config)
    if not usable:
        raise PanelError(
            f"the panel holds {panel.observed} {panel.frequency.name} periods, too few for a horizon of {panel.frequency.horizon} "
            "and a history before it; shorten the horizon or bring a longer panel"
        )
    return usable


def backtest(panel: Panel, config: ForecastConfig) -> Backtest:
    """Forecast from each cut-off and judge. Raises PanelError where the panel is too short or no series is old enough."""
    timings, notes = Timings(), list(panel.notes)
    cutoffs = test_cutoffs(panel, config)
    if len(cutoffs) < config.cutoffs:
        notes.append(f"{len(cutoffs)} cut-offs instead of {config.cutoffs}, since the history is short")
    panel = _old_enough(panel, cutoffs[0], config, notes)
    horizon = panel.frequency.horizon
    maker = FeatureMaker(panel)
    timings.of("levels", maker.prepare)
    earlier = validation_origins(cutoffs[0], panel.frequency, config)
    if not earlier:
        raise PanelError("the history before the first cut-off is too short to choose a model on; use fewer cut-offs or a shorter horizon")
    lineup = choose_lineup(maker, earlier[0], config)
    notes += [f"{name} is left out: {reason}" for name, reason in lineup.left_out.items()]
    ledger, trees = _run(maker, earlier, cutoffs, lineup, config, timings)
    judged, frames, champions = [], [], []
    for cutoff in cutoffs:
        one = ledger[cutoff]
        known = timings.of("choose", lambda c=cutoff: known_at(ledger.values(), maker, c, lineup.models))
        chosen = timings.of("choose", lambda k=known: choose_champions(k, lineup.models, lineup.baselines))
        calibration = timings.of("calibrate", lambda k=known, n=chosen, c=cutoff: calibrated(k, n, c, config, maker))
        served = serve_origin(one, chosen, maker)
        expected, quantiles = calibration.apply(one, served)
        served = replace(served, expected=expected)
        y = demand_ahead(maker.demand, cutoff, horizon, panel.observed - 1)
        judged.append(_judged(maker, one, served, quantiles, y, config))
        frames.append(_frame(panel, one, served, quantiles, y, config))
        champions.append(chosen.select(pl.lit(panel.ds[cutoff]).alias("cutoff"), pl.all()))
    metrics = timings.of("judge", lambda: _metrics(judged, maker, cutoffs[0], config))
    times = pl.DataFrame({"stage": list(timings.seconds), "seconds": [round(s, 2) for s in timings.seconds.values()]})
    importance = trees.importance() if trees else None
    return Backtest(metrics, pl.concat(frames), pl.concat(champions), times, importance, notes, panel, cutoffs, lineup, ledger)


def _run(
    maker: FeatureMaker, earlier: list[int], cutoffs: list[int], lineup: Lineup, config: ForecastConfig, timings: Timings
) -> tuple[dict[int, OriginForecasts], TreeModel | None]:
    """Forecasts of all models from all origins. Trees are fitted twice before the first cut-off, and at each cut-off."""
    refits = [earlier[0], earlier[len(earlier) // 2], *cutoffs] if lineup.learned else []
    every = [*earlier, *cutoffs]
    steps = len(refits) + len(every)
    maker.prepare()
    fitted: dict[int, TreeModel] = {}
    with ThreadPoolExecutor(config.threads) as pool:
        # Fits wait for nothing of each other; inside each, blocks of lead times run one after another.
        alone = replace(config, threads=1)
        fits = timings.of(
            "fit trees", lambda: _each(pool.map(lambda o: fit_trees(maker, o, maker.panel.frequency.horizon, alone), refits), steps)
        )
        fitted = dict(zip(refits, fits, strict=True))
    ledger, trees = {}, None
    for done, origin in enumerate(every, len(refits)):
        report(_STAGE, done, steps)
        trees = fitted.get(origin, trees)
        ledger[origin] = forecast_origin(maker, origin, trees, lineup, maker.panel.frequency.horizon, config.quantiles, timings)
    report(_STAGE, steps, steps)
    return ledger, trees


def _each(results: Iterable[TreeModel], steps: int) -> list[TreeModel]:
    """The results as they come, each told to who watches."""
    found = []
    report(_STAGE, 0, steps)
    for result in results:
        found.append(result)
        report(_STAGE, len(found), steps)
    return found


def _old_enough(panel: Panel, first_cutoff: int, config: ForecastConfig, notes: list[str]) -> Panel:
    """The series with enough history at the first cut-off; that is decided there once, so that later weeks choose nobody."""
    asked = panel.frequency.minimum_history
    if config.minimum_history is None:
        asked = min(asked, max(2, first_cutoff // 2))
    rows = np.flatnonzero(first_cutoff + 1 - panel.first >= asked)
    if not len(rows):
        raise PanelError(f"no series has {asked} periods of history at the first cut-off {panel.ds[first_cutoff]}; lower minimum_history")
    if len(rows) < panel.series:
        notes.append(f"{len(rows):,} of {panel.series:,} series have {asked} periods of history at the first cut-off and are judged")
    return panel.select(rows)


def _judged(
    maker: FeatureMaker, one: OriginForecasts, served: Served, quantiles: np.ndarray, y: np.ndarray, config: ForecastConfig
) -> Judged:
    window = {"daily": 91, "weekly": 13, "monthly": 12}.get(maker.panel.frequency.name, 13)
    own = own_quantiles(maker.demand, one.origin, window, config.quantiles)
    empirical = np.repeat(own[:, None, :], y.shape[1], axis=1)
    median = empirical[..., int(np.argmin(np.abs(np.array(config.quantiles) - 0.5)))]
    forecasts: Mapping[str, np.ndarray] = {CHAMPION: served.expected, **one.forecasts, EMPIRICAL: median}
    return Judged(maker.panel.ds[one.origin], y, forecasts, {CHAMPION: quantiles, EMPIRICAL: empirical}, one.segment)


def _frame(
    panel: Panel, one: OriginForecasts, served: Served, quantiles: np.ndarray, y: np.ndarray, config: ForecastConfig
) -> pl.DataFrame:
    """One row per series and lead of a cut-off."""
    horizon = y.shape[1]
    rows = np.flatnonzero(one.alive)
    repeated = {
        "unique_id": panel.unique_id.gather(rows), "segment": pl.Series(one.segment[rows].tolist(), dtype=pl.String),
        "model_name": pl.Series(served.model_name[rows].tolist(), dtype=pl.String),
        "fallback_reason": pl.Series(served.fallback_reason[rows].tolist(), dtype=pl.String),
    }  # fmt: skip
    index = np.repeat(np.arange(len(rows)), horizon)
    ahead = panel.ds.slice(one.origin + 1, horizon)
    columns = {
        "unique_id": repeated["unique_id"].gather(index),
        "cutoff": pl.Series([panel.ds[one.origin]]).new_from_index(0, len(index)),
        "ds": ahead.gather(np.tile(np.arange(horizon), len(rows))),
        "lead": pl.Series(np.tile(np.arange(1, horizon + 1, dtype=np.int32), len(rows))),
        "y": pl.Series(y[rows].ravel()).fill_nan(None),
        "is_stock_out": panel.is_censored[rows, one.origin + 1 : one.origin + 1 + horizon].ravel(),
        "expected_units": served.expected[rows].ravel(),
        **{quantile_name(q): quantiles[rows][..., position].ravel() for position, q in enumerate(config.quantiles)},
        **{name: repeated[name].gather(index) for name in ("model_name", "segment", "fallback_reason")},
    }
    return pl.DataFrame(columns)


def _metrics(judged: list[Judged], maker: FeatureMaker, first_cutoff: int, config: ForecastConfig) -> pl.DataFrame:
    """Metrics of the series, of their total and of each level that the configuration names."""
    panel = maker.panel
    scales = scales_of(maker.demand, first_cutoff, panel.unit_value(first_cutoff))
    tables = [metrics_table(judged, scales, config.quantiles, "series", is_detailed=True)]
    levels: dict[str, list[str]] = {"total": []}
    levels |= {" x ".join(names): names for names in ([one] if isinstance(one, str) else list(one) for one in config.hierarchy)}
    for name, columns in levels.items():
        codes = _codes(panel.static, columns, panel.series)
        tables.append(_level_metrics(judged, maker, first_cutoff, codes, name, config))
    return pl.concat(tables, how="diagonal_relaxed")


def _codes(static: pl.DataFrame, columns: list[str], series: int) -> np.ndarray:
    if not columns:
        return np.zeros(series, dtype=np.int64)
    return (
        static.select(pl.struct(pl.col(c).cast(pl.String).fill_null("") for c in columns).rank("dense"))
        .to_series()
        .to_numpy()
        .astype(np.int64)
        - 1
    )


def _level_metrics(
    judged: list[Judged], maker: FeatureMaker, first_cutoff: int, codes: np.ndarray, name: str, config: ForecastConfig
) -> pl.DataFrame:
    """Metrics of sums over groups; a series' period that is unknown is left out of both sides."""
    groups = codes.max() + 1

    def summed(values: np.ndarray) -> np.ndarray:
        result = np.zeros((groups, values.shape[1]))
        np.add.at(result, codes, np.nan_to_num(values))
        return result

    above = []
    for one in judged:
        is_known = np.isfinite(one.y)
        forecasts = {model: summed(np.where(is_known, values, 0)) for model, values in one.forecasts.items() if model != EMPIRICAL}
        above.append(Judged(one.cutoff, summed(one.y), forecasts, {}, np.full(groups, None, dtype=object)))
    price = maker.panel.unit_value(first_cutoff)
    money = np.bincount(codes, weights=scales_of(maker.demand, first_cutoff, price).weight, minlength=groups)
    scales = scales_of(summed(maker.demand).astype(np.float32), first_cutoff, None)
    scales = type(scales)(scales.absolute, scales.squared, money)
    return metrics_table(above, scales, config.quantiles, name, is_detailed=False)
