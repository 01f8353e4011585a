"""Serial system: optimal echelon levels of stages in a row, from the supplier down to the customer.

The exact decomposition of Clark and Scarf (1960), in the form of Chen and Zheng (1994), belongs here, for normal demand on a fine grid;
several stores below one centre do not (allocation.py). Source of the recursion: Snyder and Shen, 6.2.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

__all__ = ["SerialOptimum", "serial_optimum"]

_DEVIATIONS = 8.0


@dataclass(frozen=True)
class SerialOptimum:
    """Echelon order-up-to level of each stage, in the order in which stages were given, and the cost of the system a period."""

    levels: tuple[float, ...]
    cost: float


def serial_optimum(
    echelon_holding: Sequence[float], lead_times: Sequence[float], *, shortage: float, mean: float, deviation: float, step: float = 0.02
) -> SerialOptimum:
    """The optimum of a serial system; **stages begin with the one that serves the customer** and end with the one that buys.

    `echelon_holding` is money a unit and period at each stage beyond that of its supplier, `lead_times` are periods from the supplier,
    `shortage` is money a unit and period that a customer waits; demand a period is normal. Levels and costs are right to about `step`.
    """
    total = float(sum(lead_times))
    reach = _DEVIATIONS * deviation * np.sqrt(total) + mean * total
    stock = np.arange(-reach, reach + step, step)
    passed_on = (shortage + sum(echelon_holding)) * np.maximum(-stock, 0.0)
    levels, cost = [], 0.0
    for holding, lead_time in zip(echelon_holding, lead_times, strict=True):
        at_arrival = holding * stock + passed_on
        expected = _after_demand(stock, at_arrival, mean=mean * lead_time, deviation=deviation * np.sqrt(lead_time), step=step)
        best = int(np.argmin(expected))
        levels.append(float(stock[best]))
        cost = float(expected[best])
        # A stage that its supplier leaves short stands at what it got, and never above its own optimum.
        passed_on = np.where(stock < stock[best], expected, cost)
    return SerialOptimum(tuple(levels), cost)


def _after_demand(stock: np.ndarray, cost: np.ndarray, *, mean: float, deviation: float, step: float) -> np.ndarray:
    """E[cost(y - D)] for every y of the grid; beyond its ends the cost goes on in a line, as it does far from the optimum."""
    half = int(np.ceil(_DEVIATIONS * deviation / step))
    offsets = np.arange(-half, half + 1) * step
    weights = np.diff(stats.norm.cdf(np.append(offsets - step / 2, offsets[-1] + step / 2), scale=deviation))
    weights /= weights.sum()
    before = int(np.ceil((mean + half * step) / step)) + 1
    down = cost[0] + (cost[1] - cost[0]) * np.arange(-before, 0)
    up = cost[-1] + (cost[-1] - cost[-2]) * np.arange(1, before + 1)
    wide = np.concatenate([down, cost, up])
    from scipy.signal import fftconvolve  # noqa: PLC0415 - only this needs it

    smooth = fftconvolve(wide, weights, mode="same")
    grid = stock[0] + step * np.arange(-before, len(stock) + before)
    return np.interp(stock - mean, grid, smooth)
