"""The policy simulator: by hand where it can be, by theory where that is exact, and the same for all policies that it compares."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from scipy import stats

from pipelines.replenishment.base_stock import lost_sales_ratio
from pipelines.replenishment.classes import with_classes
from pipelines.replenishment.distributions import level_of, negative_binomial
from pipelines.replenishment.frontier import by_class, frontier, frontier_plot
from pipelines.replenishment.newsvendor import cost_of
from pipelines.replenishment.policy_simulator import Supply, Tariff, best_constant_levels, sampled_lead_times, simulate_policy
from pipelines.replenishment.s_s import optimal_policy, position_cost

TARIFF = Tariff(holding=1.0, shortage=9.0)


def played_by_hand(demand, level, lead_time, review, *, is_lost_sales):
    """One series and path, a unit at a time: held, missing at the end of each period (lost, or waiting), met."""
    stock, pipeline, held, missing, met = level, {}, [], [], 0
    for period, wanted in enumerate(demand):
        stock += pipeline.pop(period, 0)
        if period % review == 0:
            order = max(level - stock - sum(pipeline.values()), 0)
            if lead_time:
                pipeline[period + lead_time] = order
            else:
                stock += order
        sold = min(max(stock, 0), wanted)
        met += sold
        stock -= sold if is_lost_sales else wanted
        held.append(max(stock, 0))
        missing.append(wanted - sold if is_lost_sales else max(-stock, 0))
    return held, missing, met


@pytest.mark.parametrize("is_lost_sales", [True, False])
@pytest.mark.parametrize(("lead_time", "review"), [(0, 1), (2, 1), (3, 4)])
def test_every_series_is_played_as_by_hand(lead_time, review, is_lost_sales):
    demand = np.random.default_rng(5).poisson(2.0, (7, 3, 60))
    levels = np.arange(7)[:, None, None] * 3
    supply = Supply(lead_time, review=review, is_lost_sales=is_lost_sales)
    found = simulate_policy(demand, levels, supply=supply, tariff=TARIFF)
    for series in range(7):
        for path in range(3):
            held, missing, _ = played_by_hand(demand[series, path], series * 3, lead_time, review, is_lost_sales=is_lost_sales)
            assert found.cost_by_path[series, path] == pytest.approx((sum(held) + 9 * sum(missing)) / 60)
        met = sum(played_by_hand(demand[series, path], series * 3, lead_time, review, is_lost_sales=is_lost_sales)[2] for path in range(3))
        assert found.fill[series] == pytest.approx(met / demand[series].sum())


def test_demand_that_waits_costs_what_theory_says():
    demand = np.random.default_rng(1).poisson(4.0, (1, 40, 3000))
    interval = negative_binomial(np.array([12.0]), np.array([12.0]))
    best = level_of(interval, 0.9)[0]
    for level in (best - 3, best, best + 3):
        found = simulate_policy(demand, level, supply=Supply(2, is_lost_sales=False), tariff=TARIFF, warm_up=20)
        assert found.cost[0] == pytest.approx(cost_of(interval, level, holding=1.0, shortage=9.0)[0], rel=0.01)
        assert found.cost[0] == pytest.approx((level - 12) + 10 * stats.poisson.sf(np.arange(level, 60), 12).sum(), rel=0.01)


def test_reorder_levels_cost_what_theory_says():
    period = stats.poisson.pmf(np.arange(80), 5.0)
    interval = negative_binomial(np.array([5.0]), np.array([5.0]))
    policy = optimal_policy(period, position_cost(interval, np.arange(-40, 120), holding=1.0, shortage=9.0), -40, fixed=30.0)
    demand = np.random.default_rng(2).poisson(5.0, (1, 40, 3000))
    supply, tariff = Supply(0, is_lost_sales=False), Tariff(1.0, 9.0, 30.0)
    found = simulate_policy(demand, policy.up_to, reorder=np.array(policy.reorder), supply=supply, tariff=tariff, warm_up=20)
    assert found.cost[0] == pytest.approx(policy.cost, rel=0.01)


def test_random_lead_times_are_drawn_as_asked_and_lose_no_unit():
    rng = np.random.default_rng(3)
    chances = np.array([[0.0, 0.5, 0.3, 0.2], [0.0, 0.0, 1.0, 0.0]])
    lead_times = sampled_lead_times(rng, chances, (2, 50, 400))
    assert np.bincount(lead_times[0].ravel(), minlength=4) / lead_times[0].size == pytest.approx(chances[0], abs=0.02)
    assert (lead_times[1] == 2).all()
    demand = rng.poisson(3.0, (2, 50, 400))
    found = simulate_policy(demand, 1000, supply=Supply(lead_times), tariff=TARIFF)
    assert found.fill == pytest.approx([1, 1])
    # What is not under way lies in stock: the level, less three units a day for two days and a bit, less the day's own demand.
    assert found.stock == pytest.approx([1000 - 3 * 1.7 - 3, 1000 - 3 * 2 - 3], rel=0.01)


def test_packs_are_whole_and_shelves_hold_no_more_than_they_can():
    demand = np.random.default_rng(4).poisson(3.0, (1, 20, 300))
    packed = simulate_policy(demand, 12, supply=Supply(1, pack=6), tariff=TARIFF)
    loose = simulate_policy(demand, 12, supply=Supply(1), tariff=TARIFF)
    full = simulate_policy(demand, 30, supply=Supply(1, capacity=np.array([9])), tariff=TARIFF, on_hand=np.array([[0]]))
    assert packed.orders[0] < loose.orders[0]
    assert packed.stock[0] > loose.stock[0]
    assert full.stock[0] <= 9
    assert full.fill[0] < loose.fill[0]


def test_the_best_constant_level_is_that_of_a_full_search():
    demand = np.random.default_rng(6).negative_binomial(0.5, 0.02, (5, 1, 90))
    supply, tariff = Supply(2), Tariff(1.0, np.array([2.0, 5.0, 9.0, 20.0, 50.0]))
    level, cost = best_constant_levels(demand, supply=supply, tariff=tariff, finest=12)
    tried = np.arange(0, 400)
    wide = np.broadcast_to(demand, (5, 400, 90))
    every = simulate_policy(wide, np.broadcast_to(tried, (5, 400))[:, :, None], supply=supply, tariff=tariff).cost_by_path
    assert (cost <= every.min(axis=1) * 1.01 + 1e-9).all()
    exact, exact_cost = best_constant_levels(demand, supply=supply, tariff=tariff, finest=500)
    assert exact_cost == pytest.approx(every.min(axis=1))
    assert np.abs(exact - level).max() <= 10


def test_where_demand_is_lost_the_corrected_ratio_costs_less():
    rng = np.random.default_rng(8)
    rates = rng.uniform(0.2, 3.0, 200)
    demand = rng.poisson(rates[:, None, None], (200, 1, 400))
    interval = negative_binomial(rates * 3, rates * 3)
    costs = {}
    for name, ratio in {"plain": 0.9, "corrected": lost_sales_ratio(1.0, 9.0, 3)}.items():
        costs[name] = simulate_policy(
            demand, level_of(interval, ratio)[:, None, None], supply=Supply(2), tariff=TARIFF, warm_up=20
        ).cost.sum()
    assert costs["corrected"] < costs["plain"] * 0.97


def test_the_same_demand_gives_the_same_outcome():
    demand = np.random.default_rng(9).poisson(2.0, (4, 2, 50))
    one, two = (simulate_policy(demand, 8, supply=Supply(2), tariff=TARIFF) for _ in range(2))
    assert (one.cost_by_path == two.cost_by_path).all()


def test_classes_cut_by_value_and_by_steadiness():
    series = pl.DataFrame(
        {"unique_id": ["a", "b", "c", "d"], "value": [800.0, 150.0, 50.0, None], "variation": [0.3, 0.8, 2.0, float("nan")]}
    )
    found = with_classes(series, value_shares=[0.8, 0.95], variations=[0.5, 1.0]).sort("unique_id")
    assert found["class_code"].to_list() == ["AX", "BY", "CZ", "CZ"]
    shuffled = with_classes(series.reverse(), value_shares=[0.8, 0.95], variations=[0.5, 1.0]).sort("unique_id")
    assert shuffled.equals(found)


def test_the_frontier_rises_and_is_told_by_class():
    demand = np.random.default_rng(10).poisson(2.0, (6, 1, 120))
    interval = negative_binomial(np.full(6, 6.0), np.full(6, 6.0))
    families = {"quantile": lambda ratio: level_of(interval, ratio)[:, None, None]}
    rows = frontier(demand, families, {"quantile": [0.5, 0.8, 0.95]}, supply=Supply(2), tariff=TARIFF, warm_up=10)
    assert rows["fill"].is_sorted()
    assert rows["stock"].is_sorted()
    assert frontier_plot(rows).startswith(b"\x89PNG")
    outcome = simulate_policy(demand, 8, supply=Supply(2), tariff=TARIFF, warm_up=10)
    _, best = best_constant_levels(demand, supply=Supply(2), tariff=TARIFF, warm_up=10)
    told = by_class(outcome, best, ["AX", "AX", "BY", "BY", "CZ", "CZ"])
    assert told["class_code"].to_list() == ["AX", "BY", "CZ", "all"]
    assert told["series"].to_list() == [2, 2, 2, 6]
    assert (told["regret"] >= 0).all()
