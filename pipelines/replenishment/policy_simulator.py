"""Policy simulator: what a stock policy would have cost on given demand, for all series and sample paths at once.

One pass over the periods belongs here, and what it leaves of cost, fill rate and stock per series; where demand comes from does not (a
held-back window, sampled paths), nor how levels are found. Policies that are compared get the same demand and the same lead times
(common random numbers), so that their difference is that of the policies.

A period goes: deliveries arrive; at a review, an order lifts the position (on hand, on order, less what waits) to the order-up-to level
where it is at or below the reorder level; demand comes; what is left is held, what is missing is lost or waits.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

__all__ = ["Outcome", "Supply", "Tariff", "best_constant_levels", "sampled_lead_times", "simulate_policy"]


@dataclass(frozen=True)
class Tariff:
    """What stock costs: `holding` a unit and period, `shortage` a unit lost (or a unit and period that waits), `fixed` an order.

    Each is one figure, or one per series.
    """

    holding: np.ndarray | float
    shortage: np.ndarray | float
    fixed: np.ndarray | float = 0.0


@dataclass(frozen=True)
class Supply:
    """How goods come: `lead_times` in whole periods, one figure, one per series, or [series, paths, periods] by the period of the order.

    `review` periods lie between two reviews, the first at `first_review`; or it tells of every period whether it has one, as [series, paths,
    periods]. Orders are whole packs of `pack` units, as many as are needed, and lead to a position of at most `capacity` (0: no limit).
    """

    lead_times: np.ndarray | int
    review: int | np.ndarray = 1
    first_review: int = 0
    is_lost_sales: bool = True
    pack: np.ndarray | int = 1
    capacity: np.ndarray | int = 0


@dataclass(frozen=True)
class Outcome:
    """What a policy came to: one entry per series, mean of its paths; money, units and shares.

    `cost` is money a period after the warm-up, `fill` the share of demand met at once, `cycle_service` the share of review cycles without
    anything missing, `stock` mean units at the end of a period, `turns` demand met over mean stock, per period, `orders` orders a period.
    `demand` and `met` are units a period.
    """

    cost: np.ndarray
    fill: np.ndarray
    cycle_service: np.ndarray
    stock: np.ndarray
    turns: np.ndarray
    orders: np.ndarray
    demand: np.ndarray
    met: np.ndarray
    cost_by_path: np.ndarray = field(repr=False)


def simulate_policy(
    demand: np.ndarray,
    up_to: np.ndarray,
    *,
    supply: Supply,
    tariff: Tariff,
    reorder: np.ndarray | None = None,
    on_hand: np.ndarray | None = None,
    warm_up: int = 0,
) -> Outcome:
    """What the policy costs on this demand.

    `demand` is whole units [series, paths, periods]. `up_to` and `reorder` broadcast to it: a level per series, per path or per period;
    without `reorder` everything sold is ordered again at each review. `on_hand` is stock at the start [series, paths]; default: the first
    order-up-to level. Periods before `warm_up` are played, and not counted.
    """
    series, paths, periods = demand.shape
    levels = np.broadcast_to(up_to, demand.shape)
    reorders = levels - 1 if reorder is None else np.broadcast_to(reorder, demand.shape)
    lead_times = np.broadcast_to(_by_series(supply.lead_times), demand.shape)
    reviews = np.broadcast_to(_reviews(supply, periods), demand.shape)
    pack, capacity = _by_series(supply.pack)[..., 0], _by_series(supply.capacity)[..., 0]
    slots = int(lead_times.max(initial=0)) + 1
    under_way = np.zeros((series, paths, slots))
    stock = np.array(np.broadcast_to(levels[:, :, 0] if on_hand is None else on_hand, (series, paths)), dtype=float)
    on_order = np.zeros_like(stock)
    row, column = np.indices(stock.shape)
    totals = {name: np.zeros_like(stock) for name in ("held", "short", "met", "wanted", "orders", "cycles", "bad_cycles")}
    is_bad = np.zeros_like(stock, dtype=bool)
    for period in range(periods):
        slot = period % slots
        arrived = under_way[:, :, slot].copy()
        under_way[:, :, slot] = 0
        stock += arrived
        on_order -= arrived
        is_counted = period >= warm_up
        at_review = reviews[:, :, period]
        if at_review.any():
            totals["cycles"] += at_review & (period > warm_up)
            totals["bad_cycles"] += at_review & is_bad & (period > warm_up)
            is_bad &= ~at_review
            order = at_review * _ordered(stock + on_order, levels[:, :, period], reorders[:, :, period], pack, capacity)
            totals["orders"] += (order > 0) * is_counted
            at_once = lead_times[:, :, period] == 0
            stock += np.where(at_once, order, 0)
            under_way[row, column, (period + lead_times[:, :, period]) % slots] += np.where(at_once, 0, order)
            on_order += np.where(at_once, 0, order)
        wanted = demand[:, :, period]
        met = np.clip(np.maximum(stock, 0), 0, wanted)
        missing = wanted - met
        stock -= met if supply.is_lost_sales else wanted
        is_bad |= missing > 0
        if is_counted:
            totals["held"] += np.maximum(stock, 0)
            totals["short"] += missing if supply.is_lost_sales else np.maximum(-stock, 0)
            totals["met"] += met
            totals["wanted"] += wanted
    return _outcome(totals, tariff, periods - warm_up)


def best_constant_levels(
    demand: np.ndarray, *, supply: Supply, tariff: Tariff, highest: np.ndarray | None = None, warm_up: int = 0, finest: int = 48
) -> tuple[np.ndarray, np.ndarray]:
    """In hindsight: the constant order-up-to level per series that would have cost least on this very demand, and that cost a period.

    `demand` is [series, paths, periods]: what came, or what might have come as often; one level has to serve all paths. Levels up to
    `highest` (default: the largest demand of any lead time and review, where the review is one figure) are tried, all of them where there
    are at most `finest`, else evenly spread ones and then all around the best.
    """
    if highest is None:
        window = int(np.max(supply.lead_times)) + int(supply.review)
        cumulated = np.pad(np.cumsum(demand, axis=2), ((0, 0), (0, 0), (window, 0)))
        highest = (cumulated[:, :, window:] - cumulated[:, :, :-window]).max(axis=(1, 2))
    rows = np.arange(len(demand))
    low, high = np.zeros(len(demand)), np.ceil(highest)
    while True:
        steps = max(int(min(finest, (high - low).max())) + 1, 2)
        tried = np.round(low[:, None] + (high - low)[:, None] * np.linspace(0, 1, steps)[None])
        costs = np.stack(
            [
                simulate_policy(demand, level[:, None, None], supply=supply, tariff=tariff, warm_up=warm_up).cost
                for level in np.ascontiguousarray(tried.T)
            ],
            axis=1,
        )
        best = costs.argmin(axis=1)
        if ((high - low) < steps).all():
            return tried[rows, best].astype(np.int64), costs[rows, best]
        low, high = tried[rows, np.maximum(best - 1, 0)], tried[rows, np.minimum(best + 1, steps - 1)]


def sampled_lead_times(rng: np.random.Generator, chances: np.ndarray, shape: tuple[int, int, int]) -> np.ndarray:
    """Lead times [series, paths, periods] drawn from the chance of 0, 1, 2, ... periods, one row per series."""
    bounds = np.cumsum(chances, axis=1)
    draws = rng.random(shape)
    found = np.zeros(shape, dtype=np.int64)
    for periods in range(bounds.shape[1] - 1):
        found += draws > bounds[:, periods, None, None]
    return found


def _ordered(position: np.ndarray, level: np.ndarray, reorder: np.ndarray, pack: np.ndarray, capacity: np.ndarray) -> np.ndarray:
    needed = np.where(position <= reorder, np.maximum(level - position, 0), 0)
    packs = np.ceil(needed / pack)
    room = np.where(capacity > 0, np.maximum(capacity - position, 0) // pack, np.inf)
    return np.minimum(packs, room) * pack


def _outcome(totals: dict[str, np.ndarray], tariff: Tariff, periods: int) -> Outcome:
    holding, shortage, fixed = (np.reshape(each, (-1, 1)) for each in (tariff.holding, tariff.shortage, tariff.fixed))
    cost = (holding * totals["held"] + shortage * totals["short"] + fixed * totals["orders"]) / periods
    wanted, met, held = (totals[name].mean(axis=1) / periods for name in ("wanted", "met", "held"))
    cycles = totals["cycles"].sum(axis=1)
    return Outcome(
        cost=cost.mean(axis=1),
        fill=np.divide(met, wanted, out=np.ones_like(met), where=wanted > 0),
        cycle_service=1 - np.divide(totals["bad_cycles"].sum(axis=1), cycles, out=np.zeros_like(met), where=cycles > 0),
        stock=held,
        turns=np.divide(met, held, out=np.zeros_like(met), where=held > 0),
        orders=totals["orders"].mean(axis=1) / periods,
        demand=wanted,
        met=met,
        cost_by_path=cost,
    )


def _reviews(supply: Supply, periods: int) -> np.ndarray:
    if isinstance(supply.review, np.ndarray):
        return supply.review
    since = np.arange(periods) - supply.first_review
    return ((since >= 0) & (since % supply.review == 0))[None, None]


def _by_series(value: np.ndarray | int) -> np.ndarray:
    """As [series or 1, paths or 1, periods or 1]."""
    array = np.asarray(value)
    return array if array.ndim == 3 else array.reshape(-1, 1, 1)
