"""Newsvendor: how much to stock once, where what is left costs and what is missing costs more.

The critical ratio and the optimum for normal and for whole demand belong here; demand that comes again and again does not
(base_stock.py). Formulas: Snyder and Shen, Fundamentals of Supply Chain Theory, 4.3.
"""

from __future__ import annotations

import numpy as np
from scipy import stats

from pipelines.replenishment.distributions import Demand, expected_loss, expected_stock, level_of

__all__ = ["cost_of", "critical_ratio", "newsvendor", "newsvendor_normal"]


def critical_ratio(holding: np.ndarray, shortage: np.ndarray) -> np.ndarray:
    """Probability of covering demand that is worth its cost: shortage / (shortage + holding), both money a unit."""
    holding, shortage = np.asarray(holding, dtype=float), np.asarray(shortage, dtype=float)
    return shortage / (shortage + holding)


def newsvendor_normal(mean: float, deviation: float, *, holding: float, shortage: float) -> tuple[float, float]:
    """Optimal level and its expected cost for normal demand, units and money."""
    z = float(stats.norm.ppf(critical_ratio(holding, shortage)))
    return mean + z * deviation, (holding + shortage) * deviation * float(stats.norm.pdf(z))


def newsvendor(demand: Demand, *, holding: np.ndarray, shortage: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Optimal whole level per series and its expected cost, units and money."""
    level = level_of(demand, critical_ratio(holding, shortage))
    return level, cost_of(demand, level, holding=holding, shortage=shortage)


def cost_of(demand: Demand, level: np.ndarray, *, holding: np.ndarray, shortage: np.ndarray) -> np.ndarray:
    """Expected cost of a whole level: what is left times holding, what is missing times shortage."""
    return holding * expected_stock(demand, level) + shortage * expected_loss(demand, level)
