"""Unconstrained demand: what stock-outs hide enters the level, as far as it was known by then."""

import numpy as np
import polars as pl
import pytest
from scipy.stats import nbinom

from pipelines.forecasting.backtest import backtest
from pipelines.forecasting.config import config_of
from pipelines.forecasting.counts import moments_of_at_least
from pipelines.forecasting.levels import smoothed
from pipelines.forecasting.panel import panel_of
from pipelines.forecasting.unconstrained import unconstrained, with_unconstrained_demand
from tests.unit.forecasting.stocked_out import stocked_out_panel

HALF_LIFE, SEASON = 14.0, 7


def unconstrained_demand(sold: np.ndarray, is_out: np.ndarray, half_life: float, season: int) -> np.ndarray:
    return unconstrained(sold, is_out, half_life, season).demand


def _grids(panel: pl.DataFrame) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Units sold since the first sale, whether stock ran out, and true demand, by series and day."""
    series = panel["unique_id"].n_unique()
    sold, is_out, demand = (panel[name].to_numpy().reshape(series, -1) for name in ("y", "is_stock_out", "demand"))
    begun = np.arange(sold.shape[1]) >= np.argmax(sold > 0, axis=1)[:, None]
    return np.where(begun, sold, np.nan).astype(np.float32), is_out, demand


def _biases(panel: pl.DataFrame) -> tuple[float, float]:
    """Bias of the levels of demand, and of the levels of days in stock alone, from the 120th day on."""
    sold, is_out, demand = _grids(panel)
    in_stock = np.where(is_out, np.nan, sold).astype(np.float32)
    made_right = unconstrained_demand(sold, is_out, HALF_LIFE, SEASON)
    both = (np.nansum(smoothed(each, HALF_LIFE)[:, 120:]) / demand[:, 120:].sum() - 1 for each in (made_right, in_stock))
    return tuple(both)


# A series begins with a sale, which is a lot where one comes in twenty days: hence the wider bound.
@pytest.mark.parametrize(("rate", "bound", "hidden"), [(0.05, 0.13, 0.9), (0.5, 0.02, 0.2), (5.0, 0.03, 0.05)])
@pytest.mark.parametrize("dispersion", [0.0, 0.3])
def test_levels_are_those_of_demand_where_days_in_stock_alone_sell_far_less(rate, bound, hidden, dispersion):
    level, masked = _biases(stocked_out_panel(rate, seed=1, dispersion=dispersion))
    assert abs(level) < bound
    assert masked < -hidden


@pytest.mark.parametrize("rate", [0.5, 5.0])
def test_a_level_that_doubles_while_stock_runs_out_is_followed_a_little_late(rate):
    level, masked = _biases(stocked_out_panel(rate, seed=1, growth=1.0))
    assert -0.08 < level < 0
    assert masked < -0.15


def test_days_that_ran_out_are_expected_what_was_asked_for():
    sold, is_out, demand = _grids(stocked_out_panel(0.5, seed=1))
    found = unconstrained_demand(sold, is_out, HALF_LIFE, SEASON)
    ran_out = is_out & (sold > 0)
    assert abs(found[ran_out].sum() / demand[ran_out].sum() - 1) < 0.05
    assert sold[ran_out].sum() / demand[ran_out].sum() - 1 < -0.15
    assert (found[ran_out] >= sold[ran_out]).all()


def test_nothing_that_comes_later_changes_a_value():
    sold, is_out, _ = _grids(stocked_out_panel(0.5, seed=2, series=40, days=120))
    later, later_out = sold.copy(), is_out.copy()
    later[:, 80:], later_out[:, 80:] = 9.0, True
    one, other = (unconstrained_demand(*grids, HALF_LIFE, SEASON)[:, :80] for grids in ((sold, is_out), (later, later_out)))
    np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(one, unconstrained_demand(sold[:, :80], is_out[:, :80], HALF_LIFE, SEASON))


def test_without_stock_outs_demand_is_what_was_sold_and_a_day_without_any_unit_is_unknown():
    sold, is_out, _ = _grids(stocked_out_panel(0.5, seed=2, series=10, days=60))
    np.testing.assert_array_equal(unconstrained_demand(sold, np.zeros_like(is_out), HALF_LIFE, SEASON), sold)
    found = unconstrained_demand(sold, is_out, HALF_LIFE, SEASON)
    assert np.isnan(found[is_out & (sold == 0)]).all()
    np.testing.assert_array_equal(found[~is_out], sold[~is_out])


def test_a_table_of_days_gets_the_same_values_in_any_order():
    panel = stocked_out_panel(0.5, seed=3, series=12, days=50)
    one, other = (with_unconstrained_demand(p, HALF_LIFE) for p in (panel, panel.sample(fraction=1, shuffle=True, seed=1)))
    assert one.equals(other)
    assert one.filter(~pl.col("is_stock_out")).select((pl.col("demand") == pl.col("y")).all()).item()
    assert one.filter(pl.col("is_stock_out") & (pl.col("y") == 0))["demand"].null_count() > 0
    assert with_unconstrained_demand(panel.clear(), HALF_LIFE).is_empty()


def test_a_sale_on_a_day_of_the_week_on_which_nobody_sells_makes_no_level():
    rng = np.random.default_rng(1)
    sold = rng.poisson(20.0, (100, 140)).astype(np.float32)
    sold[:, 6::7] = 0
    sold[0, 69] = 25
    is_out = np.zeros(sold.shape, dtype=bool)
    is_out[0, 70:80] = True
    found = unconstrained_demand(sold, is_out, HALF_LIFE, SEASON)
    assert found[0, 70:76].max() < 60


def test_one_bulk_order_does_not_change_what_others_are_expected_to_sell():
    rng = np.random.default_rng(2)
    sold = rng.poisson(3.0, (300, 100)).astype(np.float32)
    is_out = rng.random(sold.shape) < 0.05
    is_out[0] = False
    bulk = sold.copy()
    bulk[0, 20] = 5_000
    one, other = (unconstrained_demand(each, is_out, HALF_LIFE, SEASON)[1:, 60:] for each in (sold, bulk))
    assert np.nanmean(other) == pytest.approx(np.nanmean(one), rel=0.02)


@pytest.mark.parametrize("units", [1.0, 10.0, 100.0])
def test_what_runs_out_every_day_is_its_own_demand(units):
    rng = np.random.default_rng(3)
    sold = np.concatenate([np.full((1, 400), units), rng.poisson(3.0 * rng.gamma(0.5, 2.0, (50, 400)))]).astype(np.float32)
    is_out = np.zeros(sold.shape, dtype=bool)
    is_out[0] = True
    found = unconstrained_demand(sold, is_out, HALF_LIFE, SEASON)[0]
    assert found.max() <= 1.5 * units
    np.testing.assert_array_equal(found[50:], units)


def test_books_that_say_out_of_stock_while_goods_are_sold_are_not_believed():
    sold = np.random.default_rng(4).poisson(0.05, (40, 400)).astype(np.float32)
    found = unconstrained_demand(sold, np.ones(sold.shape, dtype=bool), HALF_LIFE, SEASON)
    assert np.nanmean(found[:, 100:]) == pytest.approx(sold[:, 100:].mean(), rel=0.02)


def test_a_launch_that_sold_out_keeps_its_level_until_goods_come_again():
    sold = np.zeros((1, 70), dtype=np.float32)
    sold[0, :3], sold[0, 65:] = 10, 11
    is_out = np.zeros(sold.shape, dtype=bool)
    is_out[0, 2:65] = True
    found = unconstrained_demand(sold, is_out, HALF_LIFE, SEASON)
    assert np.isnan(found[0, 3:65]).all()
    assert smoothed(found, HALF_LIFE)[0, 64] > 9


def test_moments_given_at_least_so_much_are_those_of_the_distribution():
    counts = np.arange(2_000)
    for mean, dispersion, bound in ((2.0, 0.0, 3), (0.5, 0.5, 1), (20.0, 0.3, 40), (5.0, 1.0, 0)):
        law = nbinom(1 / max(dispersion, 1e-4), 1 / (1 + mean * max(dispersion, 1e-4)))
        share = np.where(counts >= bound, law.pmf(counts), 0)
        expected = (share * counts).sum() / share.sum()
        variance = (share * counts**2).sum() / share.sum() - expected**2
        found = moments_of_at_least(np.array([float(bound)]), np.array([mean]), dispersion)
        assert found[0][0] == pytest.approx(expected, rel=1e-6)
        assert found[1][0] == pytest.approx(variance, rel=1e-5)


@pytest.mark.slow
def test_what_is_served_is_what_will_be_asked_for():
    panel = stocked_out_panel(0.3, seed=5, series=120, days=300)
    config = config_of({"cutoffs": 2, "threads": 1, "known": ["is_campaign"], "trees": {"iterations": 30}})
    truth = panel.select("unique_id", "ds", "demand")
    dense = panel_of(panel.drop("demand", "rate").with_columns(pl.col("is_campaign").cast(pl.Int8)), config)
    served = backtest(dense, config).forecasts.join(truth, on=["unique_id", "ds"])
    in_stock = np.where(dense.is_censored, np.nan, dense.y).astype(np.float32)
    level = np.nansum(smoothed(in_stock, HALF_LIFE)[:, -60:]) / panel.filter(pl.col("ds") > dense.ds[-61])["demand"].sum()
    assert served["expected_units"].sum() / served["demand"].sum() == pytest.approx(1.0, abs=0.1)
    assert level < 0.75
