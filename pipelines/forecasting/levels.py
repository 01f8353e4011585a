"""Levels: what a series sells in a usual period, as a smoother sees it at the end of every period.

Exponentially weighted means over the known periods since launch, each with its half-life (Brown 1956; the weights are normalised, so
that the first periods do not rule). Unknown periods neither count nor age the level.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

__all__ = ["FLOOR", "seasonal_indices", "smoothed", "smoothed_levels"]

FLOOR = 0.02
"""Units a period below which a level is not told apart from nothing."""


def smoothed(values: np.ndarray, half_life: float) -> np.ndarray:
    """The exponentially weighted mean of each row's known values up to and with each column; not a number before the first."""
    decay = np.float32(0.5 ** (1.0 / half_life))
    is_known = ~np.isnan(values)
    filled = np.where(is_known, values, np.float32(0))
    total = np.zeros(len(values), dtype=np.float32)
    weight = np.zeros(len(values), dtype=np.float32)
    result = np.empty_like(values)
    for period in range(values.shape[1]):
        here = is_known[:, period]
        total = np.where(here, total * decay + filled[:, period], total)
        weight = np.where(here, weight * decay + np.float32(1), weight)
        with np.errstate(invalid="ignore"):
            result[:, period] = total / weight
    return result


def smoothed_levels(demand: np.ndarray, half_lives: Sequence[float]) -> list[np.ndarray]:
    """One array per half-life; see smoothed."""
    return [smoothed(demand, half_life) for half_life in half_lives]


def seasonal_indices(demand: np.ndarray, origin: int, season: int, cycles: int = 8, prior_units: float = 20.0) -> np.ndarray:
    """One row per series, one column per place in the season of the next `season` periods: its share of the mean, as a factor.

    From the last cycles before the origin's end. A series' own share counts as much as its sales allow (shrunk to that of all
    series with the weight of `prior_units`).
    """
    start = max(0, origin + 1 - cycles * season)
    start += (origin + 1 - start) % season
    window = demand[:, start : origin + 1]
    if window.shape[1] < season:
        return np.ones((len(demand), season), dtype=np.float32)
    folded = window.reshape(len(demand), -1, season)
    is_known = ~np.isnan(folded)
    sums, counts = np.where(is_known, folded, 0).sum(axis=1), is_known.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        everyone = sums.sum(axis=0) / np.maximum(counts.sum(axis=0), 1)
        everyone = everyone / everyone.mean() if everyone.mean() > 0 else np.ones(season)
        own = sums / np.maximum(counts, 1)
        mean = sums.sum(axis=1, keepdims=True) / np.maximum(counts.sum(axis=1, keepdims=True), 1)
        own = np.where(mean > 0, own / mean, 1.0)
    weight = sums.sum(axis=1, keepdims=True) / season
    weight = weight / (weight + prior_units / season)
    return (weight * own + (1 - weight) * everyone).astype(np.float32)
