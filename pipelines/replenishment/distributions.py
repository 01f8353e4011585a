"""Distributions: demand over an interval as a count, and what is left unmet of it at a level of stock.

Negative binomial demand, its quantiles and its losses belong here, arrays in, arrays out; which interval counts does not
(base_stock.py), nor where mean and spread come from (targets.py).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special, stats

__all__ = ["Demand", "expected_loss", "expected_stock", "level_of", "negative_binomial", "over_lead_time"]

_LARGEST_SIZE = 1e6
"""Beyond this size a negative binomial is a Poisson distribution, to all digits that matter."""


@dataclass(frozen=True)
class Demand:
    """Negative binomial demand per series: `mean` units, and `size` (variance = mean + mean^2 / size)."""

    mean: np.ndarray
    size: np.ndarray

    @property
    def variance(self) -> np.ndarray:
        """Variance of the demand, units squared."""
        return self.mean + self.mean**2 / self.size

    def cumulated(self, units: np.ndarray) -> np.ndarray:
        """Probability that demand is at most so many units."""
        return np.where(np.asarray(units) < 0, 0.0, stats.nbinom.cdf(units, self.size, _share(self)))

    def beyond(self, units: np.ndarray) -> np.ndarray:
        """Probability that demand is more than so many units."""
        return np.where(np.asarray(units) < 0, 1.0, stats.nbinom.sf(units, self.size, _share(self)))


def negative_binomial(mean: np.ndarray, variance: np.ndarray) -> Demand:
    """The demand with this mean and variance, units and units squared; a variance below the mean is taken as Poisson."""
    mean = np.maximum(np.asarray(mean, dtype=float), 1e-9)
    surplus = np.maximum(np.asarray(variance, dtype=float) - mean, mean**2 / _LARGEST_SIZE)
    return Demand(mean, mean**2 / surplus)


def over_lead_time(rate: np.ndarray, rate_variance: np.ndarray, days: np.ndarray, days_variance: np.ndarray) -> Demand:
    """Demand over an interval of uncertain length: rate and variance per day, mean and variance of the days.

    Variance of a random sum: E[N] Var[X] + Var[N] E[X]^2 (Silver, Pyke, Thomas, Inventory and Production Management, 7.C).
    """
    return negative_binomial(rate * days, days * rate_variance + days_variance * rate**2)


def level_of(demand: Demand, ratio: np.ndarray) -> np.ndarray:
    """The smallest whole level that covers demand with at least this probability."""
    level = stats.nbinom.ppf(np.clip(ratio, 0.0, 1 - 1e-9), demand.size, _share(demand))
    return np.maximum(level, 0).astype(np.int64)


def expected_loss(demand: Demand, level: np.ndarray) -> np.ndarray:
    """Expected units of demand beyond a whole level, E[(D - S)+]; from x f(x; r) = mean f(x - 1; r + 1)."""
    level = np.asarray(level)
    shifted = np.where(level < 1, 1.0, special.betainc(np.maximum(level, 1), demand.size + 1, 1 - _share(demand)))
    return np.maximum(demand.mean * shifted - level * demand.beyond(level), 0.0)


def expected_stock(demand: Demand, level: np.ndarray) -> np.ndarray:
    """Expected units left of a whole level after the demand, E[(S - D)+]."""
    return level - demand.mean + expected_loss(demand, level)


def _share(demand: Demand) -> np.ndarray:
    return demand.size / (demand.size + demand.mean)
