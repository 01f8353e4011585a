"""Bias: what is served is raised or lowered by what it lately missed, per pattern of sales, where doing so proved itself.

When sales rise for a season, every smoother stays behind, and stock with it. The correction is half of what the newest known periods
call for: the weighted median over origins and leads of actual over forecast, so that one bulk order does not rule.
"""

from __future__ import annotations

import numpy as np

__all__ = ["bias_factors", "factors_of"]

_DAMPING = 0.5
_LEAST, _MOST = 0.85, 1.2
_MARGIN = 0.02
"""A correction has to lower WAPE + abs(bias) on earlier origins by more than this."""


def bias_factors(
    served: np.ndarray, y: np.ndarray, origin: np.ndarray, pattern: np.ndarray, cutoff: int, half_life: float
) -> dict[str, float]:
    """Factor by pattern for forecasts made at the cut-off; empty where correcting would not have helped on earlier origins.

    `served` and `y` are rows by leads (y not a number where unknown), `origin` and `pattern` one value per row.
    """
    origins = np.unique(origin)
    sums = {"plain": np.zeros(2), "corrected": np.zeros(2)}
    demand = 0.0
    for at in origins[len(origins) // 2 :]:
        earlier = origin < at
        came = origin[:, None] + np.arange(1, y.shape[1] + 1) <= at
        factors = _factors(served[earlier], np.where(came, y, np.nan)[earlier], origin[earlier], pattern[earlier], at, half_life)
        here = origin == at
        is_known = np.isfinite(y[here])
        actual = np.where(is_known, y[here], 0)
        demand += actual.sum()
        for name, factor in (("plain", 1.0), ("corrected", factors_of(factors, pattern[here])[:, None])):
            error = np.where(is_known, served[here] * factor - actual, 0)
            sums[name] += np.abs(error).sum(), error.sum()
    if demand <= 0:
        return {}
    score = {name: (values[0] + abs(values[1])) / demand for name, values in sums.items()}
    if score["corrected"] > score["plain"] - _MARGIN:
        return {}
    return _factors(served, y, origin, pattern, cutoff, half_life)


def factors_of(factors: dict[str, float], pattern: np.ndarray) -> np.ndarray:
    """One factor per row; 1 where there is none for its pattern."""
    result = np.ones(len(pattern))
    for name, factor in factors.items():
        result[pattern == name] = factor
    return result


def _factors(served: np.ndarray, y: np.ndarray, origin: np.ndarray, pattern: np.ndarray, cutoff: int, half_life: float) -> dict[str, float]:
    found = {}
    for name in np.unique(pattern[pattern != ""]):
        ratios, weights = [], []
        for at in np.unique(origin):
            rows = (pattern == name) & (origin == at)
            is_known = np.isfinite(y[rows])
            actual, forecast = np.where(is_known, y[rows], 0).sum(axis=0), np.where(is_known, served[rows], 0).sum(axis=0)
            usable = forecast > 0
            ratios += (actual[usable] / forecast[usable]).tolist()
            weights += [0.5 ** ((cutoff - at) / half_life)] * int(usable.sum())
        if ratios:
            found[str(name)] = float(np.clip(1 + _DAMPING * (_median(np.array(ratios), np.array(weights)) - 1), _LEAST, _MOST))
    return found


def _median(values: np.ndarray, weights: np.ndarray) -> float:
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(reached, reached[-1] / 2)])
