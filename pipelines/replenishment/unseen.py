"""Unseen demand: what may have been asked for on days that ended without stock.

Drawing it, given what was sold, belongs here, arrays in, arrays out; forecasting from it does not (pipelines/forecasting).
"""

from __future__ import annotations

import numpy as np
from scipy import stats

from pipelines.replenishment.distributions import negative_binomial

__all__ = ["likely_demand"]


def likely_demand(
    sold: np.ndarray, is_stock_out: np.ndarray, expected: np.ndarray, over_dispersion: np.ndarray, *, paths: int, seed: int
) -> np.ndarray:
    """Demand [series, paths, days]: what was sold, and on days without stock at their end a draw of the demand that is at least that.

    `sold`, `is_stock_out` and `expected` (units of the day) are [series, days], `over_dispersion` is per series. The same seed gives the
    same draws. Taking such days for what they sold would make every policy look as if less stock did no harm.
    """
    demand = negative_binomial(expected, expected + over_dispersion[:, None] * expected**2)
    below = demand.cumulated(sold - 1)[:, None, :]
    chance = below + (1 - below) * np.random.default_rng(seed).random((len(sold), paths, sold.shape[1]))
    share = demand.size / (demand.size + demand.mean)
    drawn = stats.nbinom.ppf(np.minimum(chance, 1 - 1e-9), demand.size[:, None, :], share[:, None, :])
    return np.where(is_stock_out[:, None, :], np.maximum(drawn, sold[:, None, :]), sold[:, None, :])
