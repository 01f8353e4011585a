"""Policies: exact where the optimum is known, and never worse than what a search finds."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from pipelines.replenishment.base_stock import backorder_ratio, base_stock, fill_rate, level_for_fill, lost_sales_ratio
from pipelines.replenishment.distributions import expected_loss, expected_stock, level_of, negative_binomial, over_lead_time
from pipelines.replenishment.newsvendor import cost_of, newsvendor, newsvendor_normal
from pipelines.replenishment.s_s import cost_of_policy, optimal_policy, optimal_policy_of, position_cost
from pipelines.replenishment.serial_system import serial_optimum

means = st.floats(0.05, 60)
spreads = st.floats(1.0, 6.0)


def test_the_newsvendor_of_the_textbook():
    level, cost = newsvendor_normal(120, 10, holding=2, shortage=18)
    assert level == pytest.approx(132.8155, abs=5e-5)
    assert cost == pytest.approx(35.0997, abs=5e-5)


def test_three_stages_in_a_row_cost_what_is_known():
    found = serial_optimum([4, 3, 1], [1, 1, 2], shortage=40, mean=10, deviation=2)
    assert found.cost == pytest.approx(86.0253, rel=5e-4)
    assert found.levels == pytest.approx((12.76, 23.50, 46.28), abs=0.1)


def test_one_stage_alone_is_a_newsvendor():
    found = serial_optimum([2], [1], shortage=18, mean=120, deviation=10, step=0.05)
    level, cost = newsvendor_normal(120, 10, holding=2, shortage=18)
    assert found.levels[0] == pytest.approx(level, abs=0.1)
    assert found.cost == pytest.approx(cost, rel=1e-3)


@settings(max_examples=40, deadline=None)
@given(means, spreads, st.integers(0, 150))
def test_losses_are_those_of_the_distribution(mean, spread, level):
    demand = negative_binomial(np.array([mean]), np.array([mean * spread]))
    units = np.arange(4000)
    chance = stats.nbinom.pmf(units, demand.size[0], demand.size[0] / (demand.size[0] + mean))
    assert expected_loss(demand, np.array([level]))[0] == pytest.approx((chance * np.maximum(units - level, 0)).sum(), rel=1e-4, abs=1e-6)
    assert expected_stock(demand, np.array([level]))[0] == pytest.approx((chance * np.maximum(level - units, 0)).sum(), rel=1e-4, abs=1e-6)


@settings(max_examples=40, deadline=None)
@given(means, spreads, st.floats(0.1, 5), st.floats(0.5, 60))
def test_no_whole_level_costs_less_than_the_newsvendors(mean, spread, holding, shortage):
    demand = negative_binomial(np.array([mean]), np.array([mean * spread]))
    level, cost = newsvendor(demand, holding=holding, shortage=shortage)
    others = np.arange(0, level[0] + 60)
    assert cost[0] <= cost_of(demand, others, holding=holding, shortage=shortage).min() + 1e-9


@settings(max_examples=40, deadline=None)
@given(means, spreads, st.floats(0.05, 0.98), st.floats(0.01, 0.019))
def test_a_higher_ratio_a_wider_spread_and_a_longer_wait_never_need_less(mean, spread, ratio, more):
    demand = negative_binomial(np.array([mean]), np.array([mean * spread]))
    assert level_of(demand, ratio + more) >= level_of(demand, ratio)
    certain = over_lead_time(np.array([mean]), np.array([mean * spread]), np.array([5.0]), np.array([0.0]))
    uncertain = over_lead_time(np.array([mean]), np.array([mean * spread]), np.array([5.0]), np.array([4.0]))
    assert base_stock(uncertain, 0.95) >= base_stock(certain, 0.95)
    assert uncertain.variance > certain.variance


def test_lost_demand_needs_less_cover_than_demand_that_waits():
    assert backorder_ratio(1.0, 9.0) == pytest.approx(0.9)
    assert lost_sales_ratio(1.0, 9.0, 3) == pytest.approx(0.75)
    assert lost_sales_ratio(1.0, 19.0, 3) == pytest.approx(0.8636, abs=1e-4)


@settings(max_examples=40, deadline=None)
@given(means, spreads, st.floats(0.5, 0.99))
def test_the_level_for_a_fill_rate_is_the_smallest_that_gives_it(mean, spread, asked):
    lead, interval = (negative_binomial(np.array([mean * n]), np.array([mean * spread * n])) for n in (2, 3))
    level = level_for_fill(interval, lead, asked)
    assert fill_rate(interval, lead, level)[0] >= asked
    if level[0]:
        assert fill_rate(interval, lead, level - 1)[0] < asked


@pytest.mark.parametrize(("mean", "fixed", "shortage"), [(3.0, 12.0, 9.0), (10.0, 64.0, 9.0), (0.4, 5.0, 30.0), (20.0, 24.0, 4.0)])
def test_reorder_and_order_up_to_level_are_those_of_a_search(mean, fixed, shortage):
    demand = stats.poisson.pmf(np.arange(120), mean)
    interval = negative_binomial(np.array([mean]), np.array([mean]))
    lowest, positions = -40, np.arange(-40, 160)
    cost_at = position_cost(interval, positions, holding=1.0, shortage=shortage)
    found = optimal_policy(demand, cost_at, lowest, fixed=fixed)
    around = [
        (s, up) for s in range(found.reorder - 12, found.reorder + 13) for up in range(max(s + 1, found.up_to - 25), found.up_to + 26)
    ]
    searched = min((cost_of_policy(demand, cost_at, lowest, pair, fixed=fixed), pair) for pair in around if pair[0] >= lowest)
    assert found.cost == pytest.approx(searched[0], rel=1e-9)
    assert found.cost == pytest.approx(stationary_cost(demand, cost_at, lowest, (found.reorder, found.up_to), fixed=fixed), rel=1e-7)


def test_the_example_of_zheng_and_federgruen():
    # Poisson demand, fixed cost 64, holding 1, penalty 9, no lead time: Table I of the paper gives (6, 40) and cost 35.022 for mean 10.
    demand = stats.poisson.pmf(np.arange(120), 10)
    period = negative_binomial(np.array([10.0]), np.array([10.0]))
    found = optimal_policy_of(period, period, holding=1.0, shortage=9.0, fixed=64.0)
    assert (found.reorder, found.up_to) == (6, 40)
    assert found.cost == pytest.approx(35.022, abs=2e-3)
    assert demand.sum() == pytest.approx(1)


def test_without_a_fixed_cost_every_unit_is_ordered_again():
    demand = stats.poisson.pmf(np.arange(80), 5.0)
    interval = negative_binomial(np.array([5.0]), np.array([5.0]))
    cost_at = position_cost(interval, np.arange(-30, 60), holding=1.0, shortage=9.0)
    found = optimal_policy(demand, cost_at, -30, fixed=0.0)
    assert found.cost == pytest.approx(cost_at.min(), rel=1e-9)


def test_a_range_that_is_too_narrow_is_refused():
    demand = stats.poisson.pmf(np.arange(80), 5.0)
    interval = negative_binomial(np.array([5.0]), np.array([5.0]))
    with pytest.raises(ValueError, match="begin lower"):
        optimal_policy(demand, position_cost(interval, np.arange(7, 60), holding=1.0, shortage=9.0), 7, fixed=50.0)
    with pytest.raises(ValueError, match="end higher"):
        optimal_policy(demand, position_cost(interval, np.arange(-30, 9), holding=1.0, shortage=9.0), -30, fixed=50.0)


def stationary_cost(demand: np.ndarray, cost_at: np.ndarray, lowest: int, policy: tuple[int, int], *, fixed: float) -> float:
    """Cost a period by the stationary distribution of the position after ordering: an independent second way."""
    reorder, up_to = policy
    positions = np.arange(reorder + 1, up_to + 1)
    below = positions[:, None] - positions[None]
    moves = np.where(below >= 0, demand[np.clip(below, 0, len(demand) - 1)], 0.0)
    orders = 1 - moves.sum(axis=1)
    moves[:, -1] += orders
    system = np.vstack([moves.T - np.eye(len(positions)), np.ones(len(positions))])
    share = np.linalg.lstsq(system, np.append(np.zeros(len(positions)), 1.0), rcond=None)[0]
    return float(share @ cost_at[positions - lowest] + fixed * (share @ orders))
