"""Serving: the champion of each series' segment forecasts, with quantiles; where it cannot, what falls back says why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from pipelines.forecasting.champion import Known, serve
from pipelines.forecasting.config import ForecastConfig
from pipelines.forecasting.features import FeatureMaker
from pipelines.forecasting.origins import OriginForecasts
from pipelines.forecasting.quantiles import SpreadTable, measure_spread

__all__ = ["Served", "serve_origin", "served_known", "spread_at"]

_IMPLAUSIBLE = 5.0
"""A forecast beyond so many times the most that was ever sold in a period is not served."""


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
    segment, chosen, baseline = _mapped(one.segment, champions)
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
    unseen = one.alive & ~np.isin(segment, champions["segment"].to_list())
    reason[unseen & (reason == None)] = "no series of its segment was seen on earlier origins"  # noqa: E711 - element by element
    expected[~one.alive] = np.nan
    return Served(np.maximum(expected, 0), names, reason)


def served_known(known: Known, champions: pl.DataFrame) -> np.ndarray:
    """What today's champions would have served on the earlier origins, by row and lead."""
    _, chosen, _ = _mapped(known.segment, champions)
    return np.maximum(_pick(known.forecasts, chosen), 0)


def spread_at(
    known: Known,
    origins: np.ndarray,
    zero_share: np.ndarray,
    champions: pl.DataFrame,
    cutoff: int,
    config: ForecastConfig,
    maker: FeatureMaker,
) -> SpreadTable:
    """The spread around what champions served on earlier origins; an origin half a hold-out older counts half."""
    half_life = max(maker.panel.frequency.holdout / 2, 1)
    weight = 0.5 ** ((cutoff - origins) / half_life)
    return measure_spread(
        served_known(known, champions), known.y, zero_share, weight, config.quantiles, is_whole_units=maker.panel.is_whole_units
    )


def _mapped(segment: np.ndarray, champions: pl.DataFrame) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Per row: its segment, the model that serves it, and the baseline behind that."""
    by_segment = {row["segment"]: row for row in champions.iter_rows(named=True)}
    names = sorted({s for s in segment.tolist() if s is not None})
    known = np.array(["" if s is None else s for s in segment.tolist()])
    chosen = np.full(len(known), by_segment["all"]["model_name"], dtype=object)
    baseline = np.full(len(known), by_segment["all"]["baseline_name"], dtype=object)
    for name in names:
        row = by_segment.get(name, by_segment["all"])
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
