"""Serving: the champion of each series' segment forecasts, with quantiles; where it cannot, what falls back says why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from pipelines.forecasting.bias import bias_factors, factors_of
from pipelines.forecasting.champion import Known, serve
from pipelines.forecasting.config import ForecastConfig
from pipelines.forecasting.features import FeatureMaker
from pipelines.forecasting.origins import OriginForecasts
from pipelines.forecasting.quantiles import SpreadTable, measure_spread

__all__ = ["Calibration", "Served", "calibrated", "serve_origin"]

_IMPLAUSIBLE = 5.0
"""A forecast beyond so many times the most that was ever sold in a period is not served."""


@dataclass(frozen=True)
class Calibration:
    """What earlier origins say about what is served: the spread of demand around it, and factors by pattern against its bias."""

    spread: SpreadTable
    bias: dict[str, float]

    def apply(self, one: OriginForecasts, served: Served) -> tuple[np.ndarray, np.ndarray]:
        """Expected units freed of bias by series and lead, and quantiles by series, lead and level."""
        quantiles = self.spread.quantiles_of(np.nan_to_num(served.expected), one.zero_share, one.own)
        return served.expected * factors_of(self.bias, patterns(one.cell))[:, None], quantiles


@dataclass(frozen=True)
class Served:
    """One origin: units by series and lead, the model behind each series, and why another than the champion had to serve."""

    expected: np.ndarray
    model_name: np.ndarray
    fallback_reason: np.ndarray


def serve_origin(one: OriginForecasts, champions: pl.DataFrame, maker: FeatureMaker) -> Served:
    """What is served at an origin; series that had not begun stay empty.

    A champion that gives no number, or more than was ever plausible, is replaced by the segment's best baseline, and that by the level.
    """
    cell, chosen, baseline = _mapped(one.cell, champions)
    expected = _pick(one.forecasts, chosen)
    names = chosen.copy()
    reason = np.full(len(names), None, dtype=object)
    level = maker.level(one.origin)
    history = maker.demand[:, : one.origin + 1]
    most = np.where(np.isfinite(history), history, 0).max(axis=1)
    absent = one.alive & ~np.isfinite(expected).all(axis=1)
    high = one.alive & ~absent & (np.nan_to_num(expected).max(axis=1) > _IMPLAUSIBLE * np.maximum(most, 1))
    for rows, why in (
        (absent, "the champion gives no forecast"),
        (high, f"the champion forecasts more than {_IMPLAUSIBLE:g} times the most ever sold"),
    ):
        if not rows.any():
            continue
        replaced = _pick(one.forecasts, baseline)[rows]
        usable = np.isfinite(replaced).all(axis=1) & (replaced.max(axis=1, initial=0) <= _IMPLAUSIBLE * np.maximum(most[rows], 1))
        expected[rows] = np.where(usable[:, None], replaced, level[rows, None])
        names[rows] = np.where(usable, baseline[rows], "level")
        reason[rows] = why
    unseen = one.alive & ~np.isin(cell, champions["cell"].to_list())
    reason[unseen & (reason == None)] = "no series of its segment was seen on earlier origins"  # noqa: E711 - element by element
    expected[~one.alive] = np.nan
    return Served(np.maximum(expected, 0), names, reason)


def served_known(known: Known, champions: pl.DataFrame) -> np.ndarray:
    """What today's champions would have served on the earlier origins, by row and lead."""
    _, chosen, _ = _mapped(known.cell, champions)
    return np.maximum(_pick(known.forecasts, chosen), 0)


def calibrated(known: Known, champions: pl.DataFrame, cutoff: int, config: ForecastConfig, maker: FeatureMaker) -> Calibration:
    """Spread and bias of what champions would have served on earlier origins; an origin half a hold-out older counts half."""
    half_life = max(maker.panel.frequency.holdout / 2, 1)
    served = served_known(known, champions)
    spread = measure_spread(
        served, known.y, known.zero_share, known.own, 0.5 ** ((cutoff - known.origin) / half_life), config.quantiles,
        is_whole_units=maker.panel.is_whole_units(cutoff),
    )  # fmt: skip
    return Calibration(spread, bias_factors(served, known.y, known.origin, patterns(known.cell), cutoff, half_life))


def patterns(cell: np.ndarray) -> np.ndarray:
    """The pattern of sales of each cell that makes most of the money; empty for the others.

    A sum is freed of its bias by few large series; to raise the many that mostly sell nothing would only miss them more often.
    """
    return np.array([c.split("/")[0] if c is not None and c.endswith("/A") else "" for c in cell.tolist()])


def _mapped(cell: np.ndarray, champions: pl.DataFrame) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Per row: its cell, the model that serves it, and the baseline behind that."""
    by_cell = {row["cell"]: row for row in champions.iter_rows(named=True)}
    names = sorted({s for s in cell.tolist() if s is not None})
    known = np.array(["" if s is None else s for s in cell.tolist()])
    chosen = np.full(len(known), by_cell["all"]["model_name"], dtype=object)
    baseline = np.full(len(known), by_cell["all"]["baseline_name"], dtype=object)
    for name in names:
        row = by_cell.get(name, by_cell["all"])
        chosen[known == name], baseline[known == name] = row["model_name"], row["baseline_name"]
    return known, chosen, baseline


def _pick(forecasts, chosen: np.ndarray) -> np.ndarray:
    """Each row's forecast by the candidate that was chosen for it."""
    some = next(iter(forecasts.values()))
    result = np.full(some.shape, np.nan)
    for name in sorted(set(chosen.tolist())):
        rows = chosen == name
        result[rows] = serve({part: values[rows] for part, values in forecasts.items()}, name)
    return result


def distinct_parts(names: Sequence[str]) -> list[str]:
    """The models that candidates are made of, each once."""
    return sorted({part for name in names for part in name.split(" + ")})
