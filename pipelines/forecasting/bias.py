"""Bias: what is served is raised or lowered by what it lately missed.

When sales rise for a season, every smoother stays behind, and stock with it; a smoother freed of bulk orders stays behind always. The
factor is the weighted median over origins and leads of the sum of actual over the sum of forecast of all series, so that one bulk order
does not rule; the newest periods count most. How much of it is believed is what left the least bias on the later of the earlier origins,
each taken by itself, so that misses of opposite sign do not cancel: promotions that come and go ask for none.
"""

from __future__ import annotations

import numpy as np

__all__ = ["bias_factor", "money_class_factors"]

_DAMPINGS = (1.0, 0.5, 0.0)
_LEAST, _MOST = 0.8, 1.4
_CORRECTED = ("A", "B")
"""Classes of money whose series are corrected: a sum is freed of its bias by few large series; to raise the many that mostly sell nothing
would only miss them more often."""


def bias_factor(served: np.ndarray, y: np.ndarray, origin: np.ndarray, cell: np.ndarray, cutoff: int, half_life: float) -> float:
    """Factor for forecasts made at the cut-off: what was missed, damped by what would have served best on the later half of the origins.

    `served` and `y` are rows by leads (y not a number where unknown), `origin` and `cell` one value per row. A period counts half for each
    half-life that it lies before the cut-off.
    """
    origins = np.unique(origin)
    off = np.zeros(len(_DAMPINGS))
    for at in origins[len(origins) // 2 :]:
        earlier, here = origin < at, origin == at
        came = origin[:, None] + np.arange(1, y.shape[1] + 1) <= at
        missed = _missed(served[earlier], np.where(came, y, np.nan)[earlier], origin[earlier], at, half_life)
        is_known = np.isfinite(y[here]) & np.isfinite(served[here])
        for position, damping in enumerate(_DAMPINGS):
            factor = money_class_factors(1 + damping * (missed - 1), cell[here])[:, None]
            off[position] += abs(np.where(is_known, served[here] * factor - y[here], 0).sum())
    damping = _DAMPINGS[int(np.argmin(off))]
    return 1 + damping * (_missed(served, y, origin, cutoff, half_life) - 1)


def _missed(served: np.ndarray, y: np.ndarray, origin: np.ndarray, cutoff: int, half_life: float) -> float:
    """Actual over forecast of what was known at the cut-off, clipped; 1 where nothing is known."""
    ratios, weights = [np.empty(0)], [np.empty(0)]
    leads = np.arange(1, y.shape[1] + 1)
    for at in np.unique(origin):
        rows = origin == at
        is_known = np.isfinite(y[rows]) & np.isfinite(served[rows])
        actual, forecast = np.where(is_known, y[rows], 0).sum(axis=0), np.where(is_known, served[rows], 0).sum(axis=0)
        usable = forecast > 0
        ratios.append(actual[usable] / forecast[usable])
        weights.append(0.5 ** ((cutoff - at - leads[usable]) / half_life))
    values = np.concatenate(ratios)
    return float(np.clip(_median(values, np.concatenate(weights)), _LEAST, _MOST)) if len(values) else 1.0


def money_class_factors(factor: float, cell: np.ndarray) -> np.ndarray:
    """The factor for rows whose cell (segment/class) is of a class that is corrected, 1 for the others."""
    return np.array([factor if c is not None and c.rsplit("/", 1)[-1] in _CORRECTED else 1.0 for c in cell.tolist()])


def _median(values: np.ndarray, weights: np.ndarray) -> float:
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(reached, reached[-1] / 2)])
