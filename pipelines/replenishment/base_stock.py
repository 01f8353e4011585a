"""Base stock: the level that is ordered up to at each review, by cost or by the fill rate that is asked for.

The (R,S) policy over lead time and review belongs here; a fixed cost per order does not (s_s.py). Where demand is lost and not
postponed, a unit missing costs once and not in each period that it waits: the penalty is spread over the interval that a level has to
last (the first-order correction of the critical ratio). What is right in the end is found by simulated cost (calibration.py).
"""

from __future__ import annotations

import numpy as np

from pipelines.replenishment.distributions import Demand, expected_loss, level_of
from pipelines.replenishment.newsvendor import critical_ratio

__all__ = ["backorder_ratio", "base_stock", "fill_rate", "level_for_fill", "lost_sales_ratio"]


def backorder_ratio(holding: np.ndarray, shortage: np.ndarray) -> np.ndarray:
    """Ratio where demand waits: holding and shortage are money a unit and period."""
    return critical_ratio(holding, shortage)


def lost_sales_ratio(holding: np.ndarray, lost_unit: np.ndarray, periods: np.ndarray) -> np.ndarray:
    """Ratio where demand is lost: b / (b + h (L + R)); holding is money a unit and period, `lost_unit` money a lost unit."""
    return critical_ratio(np.asarray(holding, dtype=float) * periods, lost_unit)


def base_stock(interval: Demand, ratio: np.ndarray) -> np.ndarray:
    """Order-up-to level of each series: the smallest whole level that covers lead time and review with this probability."""
    return level_of(interval, ratio)


def fill_rate(interval: Demand, lead: Demand, level: np.ndarray) -> np.ndarray:
    """Share of demand that a level meets from stock, by the shortage of a review cycle.

    What is missing after lead time and review, less what was missing before the cycle's delivery came; lost demand is no demand of
    the next cycle, so that the share is met / (met + lost) of the cycle (Silver, Pyke, Thomas, 7.7 and 7.D).
    """
    missing = np.maximum(expected_loss(interval, level) - expected_loss(lead, level), 0.0)
    review = np.maximum(interval.mean - lead.mean, 1e-12)
    return review / (review + missing)


def level_for_fill(interval: Demand, lead: Demand, asked: np.ndarray) -> np.ndarray:
    """Smallest whole level whose fill rate is at least what is asked; `lead` is demand over the lead time alone.

    Found by bisection over all series at once: the fill rate grows with the level.
    """
    asked = np.broadcast_to(np.asarray(asked, dtype=float), interval.mean.shape)
    low = np.full(interval.mean.shape, -1, dtype=np.int64)
    high = level_of(interval, np.full(interval.mean.shape, 1 - 1e-7)) + 1
    while (high - low > 1).any():
        middle = (low + high) // 2
        is_enough = fill_rate(interval, lead, np.maximum(middle, 0)) >= asked
        low, high = np.where(is_enough, low, middle), np.where(is_enough, middle, high)
    return high
