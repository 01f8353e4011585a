"""Reorder level and order-up-to level where each order has a fixed cost: the (s,S) policy.

The exact optimum for whole demand, after Zheng and Federgruen (Finding optimal (s,S) policies is about as simple as evaluating a single
policy, Operations Research 39, 1991), belongs here; lead times do not: the cost of a position already holds them (`position_cost`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from pipelines.replenishment.distributions import Demand
from pipelines.replenishment.newsvendor import cost_of

__all__ = ["ReorderPolicy", "cost_of_policy", "optimal_policy", "optimal_policy_of", "position_cost"]


@dataclass(frozen=True)
class ReorderPolicy:
    """Order when the position is at or below `reorder`, up to `up_to`; `cost` is expected money a period."""

    reorder: int
    up_to: int
    cost: float


def position_cost(interval: Demand, positions: np.ndarray, *, holding: float, shortage: float) -> np.ndarray:
    """G(y): expected cost of a period for a position after ordering; `interval` is one series' demand over lead time and review."""
    return cost_of(interval, np.maximum(positions, 0), holding=holding, shortage=shortage) - np.minimum(positions, 0) * shortage


def optimal_policy(period_demand: np.ndarray, cost_at: np.ndarray, lowest: int, *, fixed: float) -> ReorderPolicy:
    """The optimal policy for one series.

    `period_demand` is the probability of 0, 1, ... units a period, `cost_at` is G of the positions lowest, lowest + 1, ...; G has to be
    quasiconvex, and its range wide enough: ValueError where the optimum would lie beyond it.
    """
    renewals = _renewals(period_demand, len(cost_at))
    steps = np.concatenate([[0.0], np.cumsum(renewals)])
    best = int(np.argmin(cost_at))

    def cost(reorder: int, up_to: int) -> float:
        span = up_to - reorder
        return float((fixed + renewals[:span] @ cost_at[up_to:reorder:-1]) / steps[span])

    up_to = reorder = best
    while True:
        reorder -= 1
        if reorder < 0:
            raise ValueError("The reorder level lies below the range of positions: begin lower")
        if cost(reorder, up_to) <= cost_at[reorder]:
            break
    lowest_cost, candidate = cost(reorder, up_to), up_to + 1
    while candidate < len(cost_at) and cost_at[candidate] <= lowest_cost:
        if cost(reorder, candidate) < lowest_cost:
            up_to = candidate
            while cost(reorder, up_to) <= cost_at[reorder + 1]:
                reorder += 1
            lowest_cost = cost(reorder, up_to)
        candidate += 1
    if candidate == len(cost_at):
        raise ValueError("The order-up-to level lies beyond the range of positions: end higher")
    return ReorderPolicy(reorder + lowest, up_to + lowest, lowest_cost)


def optimal_policy_of(period: Demand, interval: Demand, *, holding: float, shortage: float, fixed: float) -> ReorderPolicy:
    """The optimal policy of one series with negative binomial demand of a period, and over lead time and review."""
    share = period.size / (period.size + period.mean)
    most = int(stats.nbinom.ppf(1 - 1e-9, period.size, share).max()) + 2
    demand = stats.nbinom.pmf(np.arange(most), period.size, share)
    reach = int(np.sqrt(2 * fixed * period.mean.max() / holding) * 3 + 8 * np.sqrt(interval.variance.max()) + interval.mean.max()) + 10
    lowest = -reach
    positions = np.arange(lowest, 2 * reach)
    cost_at = position_cost(interval, positions, holding=holding, shortage=shortage)
    return optimal_policy(demand / demand.sum(), cost_at, lowest, fixed=fixed)


def cost_of_policy(period_demand: np.ndarray, cost_at: np.ndarray, lowest: int, policy: tuple[int, int], *, fixed: float) -> float:
    """Long-run cost a period of any (s,S), by renewal at each order."""
    reorder, up_to = policy[0] - lowest, policy[1] - lowest
    renewals = _renewals(period_demand, up_to - reorder)
    return float((fixed + renewals @ cost_at[up_to:reorder:-1]) / renewals.sum())


def _renewals(period_demand: np.ndarray, length: int) -> np.ndarray:
    """m(j): expected periods in which the position lies j units below the order-up-to level, before the next order."""
    demand = np.zeros(length)
    known = min(length, len(period_demand))
    demand[:known] = period_demand[:known]
    stays = 1 - demand[0]
    renewals = np.zeros(length)
    renewals[0] = 1 / stays
    for below in range(1, length):
        renewals[below] = demand[1 : below + 1] @ renewals[below - 1 :: -1][:below] / stays
    return renewals
