"""Origins: what every model said at the end of a period, for as many periods as are needed to choose, to calibrate and to judge.

Trees are fitted at some of the origins and serve those after it; baselines are fitted at each. Choosing among them is not done here
(champion.py).
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from pipelines.forecasting.baselines import baseline_forecasts, baseline_names
from pipelines.forecasting.champion import Known
from pipelines.forecasting.config import ForecastConfig
from pipelines.forecasting.errors import PanelError
from pipelines.forecasting.features import FeatureMaker
from pipelines.forecasting.judging import scales_of
from pipelines.forecasting.quantiles import own_quantiles
from pipelines.forecasting.segments import money_classes, segments_of
from pipelines.forecasting.trees import TreeModel

__all__ = [
    "LEARNED",
    "Lineup",
    "OriginForecasts",
    "Timings",
    "choose_lineup",
    "demand_ahead",
    "forecast_origin",
    "known_at",
    "validation_origins",
]

LEARNED = ("regression", "trees")
_LEAST_PERIODS = 12
"""Periods of history before trees are fitted."""
_LEAST_ROWS = 400


@dataclass(frozen=True)
class OriginForecasts:
    """One origin: units by series and lead of each model; each series' segment, cell and share of zeros; who was alive.

    A cell is the segment with the class of its money: what a champion is chosen for. `own` are quantiles of each series' last periods.
    """

    origin: int
    forecasts: dict[str, np.ndarray]
    segment: np.ndarray
    cell: np.ndarray
    zero_share: np.ndarray
    own: np.ndarray
    alive: np.ndarray


@dataclass(frozen=True)
class Lineup:
    """The models that take part, and those that do not with the reason."""

    baselines: list[str]
    learned: list[str]
    left_out: dict[str, str]
    variants: list[str] = field(default_factory=list)
    """Smoothers of our own making: no baseline to be measured against."""

    @property
    def models(self) -> list[str]:
        """All that take part."""
        return [*self.baselines, *self.variants, *self.learned]


@dataclass
class Timings:
    """Seconds by stage, added up."""

    seconds: dict[str, float] = field(default_factory=lambda: defaultdict(float))

    def of(self, stage: str, work: Callable):
        """What the work returns; its duration is added to the stage."""
        start = time.perf_counter()
        try:
            return work()
        finally:
            self.seconds[stage] += time.perf_counter() - start


def choose_lineup(maker: FeatureMaker, first_origin: int, config: ForecastConfig) -> Lineup:
    """The models that suit the panel and that the configuration does not leave out. Raises PanelError for names that are unknown."""
    baselines, left_out = baseline_names(maker, config.models or ())
    learned = list(LEARNED)
    rows = int(np.isfinite(maker.demand[:, : first_origin + 1]).sum())
    if first_origin < _LEAST_PERIODS or rows < _LEAST_ROWS:
        left_out.update(dict.fromkeys(LEARNED, f"{rows:,} known periods over {first_origin + 1} are too few to learn from"))
        learned = []
    if config.models is not None:
        unknown = sorted(set(config.models) - {*baselines, *LEARNED, *left_out})
        if unknown:
            raise PanelError(f"models {', '.join(unknown)} are unknown; there are {', '.join([*baselines, *LEARNED])}")
        for name in [*baselines, *learned]:
            if name not in config.models:
                left_out[name] = "not in the configuration's models"
        baselines, learned = ([name for name in names if name in config.models] for names in (baselines, learned))
    if all(name.endswith("_trimmed") for name in baselines):
        raise PanelError("no baseline is left; keep at least one of the models, such as ses")
    variants = [name for name in baselines if name.endswith("_trimmed")]
    return Lineup([name for name in baselines if name not in variants], learned, left_out, variants)


def validation_origins(first: int, frequency, config: ForecastConfig) -> list[int]:
    """Origins before the first cut-off on which champions are chosen and spreads measured, oldest first.

    At least half of the history before the first of them is left to learn from.
    """
    count = config.validation_cutoffs or 6
    reach = min(max(frequency.holdout, 2 * frequency.horizon), first // 2)
    # A step of whole seasons would see each lead on one weekday only; together with the horizon it does see all.
    step = max(1, reach // count)
    return sorted(origin for origin in range(first - step, first - reach - 1, -step) if origin >= 1)


def forecast_origin(
    maker: FeatureMaker, origin: int, trees: TreeModel | None, lineup: Lineup, horizon: int, quantiles: Sequence[float], timings: Timings
) -> OriginForecasts:
    """What each model of the line-up says at the end of the origin period."""
    forecasts = timings.of("baselines", lambda: baseline_forecasts(maker, origin, horizon, [*lineup.baselines, *lineup.variants]))
    if trees is not None:
        straight, corrected = timings.of("predict", lambda: trees.predict(maker, origin, horizon))
        forecasts.update({name: values for name, values in zip(LEARNED, (straight, corrected), strict=True) if name in lineup.learned})
    window = maker.panel.frequency.windows[len(maker.panel.frequency.windows) // 2]
    part = maker.demand[:, max(0, origin + 1 - window) : origin + 1]
    zero_share = (part == 0).sum(axis=1) / np.maximum(np.isfinite(part).sum(axis=1), 1)
    segment = np.array(segments_of(maker, origin).to_list(), dtype=object)
    classes = money_classes(maker, origin)
    cell = np.array([None if s is None else f"{s}/{c}" for s, c in zip(segment.tolist(), classes.tolist(), strict=True)], dtype=object)
    own = own_quantiles(maker.demand, origin, maker.panel.frequency.holdout, quantiles)
    return OriginForecasts(origin, forecasts, segment, cell, zero_share, own, maker.is_alive(origin))


def known_at(ledger: Iterable[OriginForecasts], maker: FeatureMaker, cutoff: int, models: Sequence[str]) -> Known:
    """What earlier origins said about periods that have come by the cut-off, one row per series and origin."""
    past = [one for one in ledger if one.origin < cutoff]
    scales = scales_of(maker.demand, cutoff, maker.panel.unit_value(cutoff))
    rows = [np.flatnonzero(one.alive) for one in past]
    horizon = past[0].forecasts[models[0]].shape[1]

    def gathered(of) -> np.ndarray:
        return np.concatenate([of(one)[r] for one, r in zip(past, rows, strict=True)])

    every = np.concatenate(rows)
    absolute, squared = (np.where(np.isfinite(scale), scale, np.inf)[every] for scale in (scales.absolute, scales.squared))
    return Known(
        forecasts={name: gathered(lambda one, n=name: one.forecasts[n]) for name in models},
        y=gathered(lambda one: demand_ahead(maker.demand, one.origin, horizon, cutoff)),
        scale=absolute,
        scale_squared=squared,
        weight=scales.weight[every],
        cell=gathered(lambda one: one.cell),
        origin=np.concatenate([np.full(len(r), one.origin) for one, r in zip(past, rows, strict=True)]),
        zero_share=gathered(lambda one: one.zero_share),
        own=gathered(lambda one: one.own),
    )


def demand_ahead(demand: np.ndarray, origin: int, horizon: int, until: int) -> np.ndarray:
    """Demand of the periods after the origin by series and lead, of demand by series and period; not a number beyond `until`."""
    ahead = np.full((len(demand), horizon), np.nan)
    last = min(origin + horizon, until, demand.shape[1] - 1)
    ahead[:, : max(0, last - origin)] = demand[:, origin + 1 : last + 1]
    return ahead
