"""Unconstrained demand: what stock-outs hide enters the level, as far as it was known by then."""

import numpy as np
import polars as pl
import pytest

from pipelines.forecasting.backtest import backtest
from pipelines.forecasting.config import config_of
from pipelines.forecasting.features import FeatureMaker
from pipelines.forecasting.levels import known_demand, smoothed
from pipelines.forecasting.panel import panel_of
from pipelines.forecasting.unconstrained import demand_given_forecast, unconstrained_demand, with_unconstrained_demand
from tests.unit.forecasting.stocked_out import WEEKDAYS, stocked_out_panel

HALF_LIFE, SEASON = 14.0, 7


def _grids(panel: pl.DataFrame) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Units sold since the first sale, whether stock ran out, and true demand, by series and day."""
    series = panel["unique_id"].n_unique()
    sold, is_out, demand = (panel[name].to_numpy().reshape(series, -1) for name in ("y", "is_stock_out", "demand"))
    begun = np.arange(sold.shape[1]) >= np.argmax(sold > 0, axis=1)[:, None]
    return np.where(begun, sold, np.nan).astype(np.float32), is_out, demand


@pytest.mark.parametrize(("rate", "hidden"), [(0.05, 0.9), (0.5, 0.2), (5.0, 0.05)])
@pytest.mark.parametrize("dispersion", [0.0, 0.3])
def test_levels_are_those_of_demand_where_days_in_stock_alone_sell_far_less(rate, hidden, dispersion):
    sold, is_out, demand = _grids(stocked_out_panel(rate, seed=1, dispersion=dispersion))
    asked = demand[:, 120:].sum()
    level = np.nansum(smoothed(unconstrained_demand(sold, is_out, HALF_LIFE, SEASON), HALF_LIFE)[:, 120:])
    masked = np.nansum(smoothed(known_demand(sold, is_out), HALF_LIFE)[:, 120:])
    assert abs(level / asked - 1) < 0.13
    assert masked / asked - 1 < -hidden
    assert abs(level / asked - 1) < abs(masked / asked - 1)


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


def test_a_right_forecast_errs_by_nothing_over_all_days_and_seems_too_high_on_those_in_stock():
    panel = stocked_out_panel(0.5, seed=4).with_columns(pl.col("ds").dt.weekday().alias("weekday"))
    day = pl.col("weekday").replace_strict(dict(enumerate(WEEKDAYS.tolist(), start=1)), return_dtype=pl.Float64)
    judged = panel.with_columns(expected_units=pl.col("rate") * day * pl.when("is_campaign").then(1.8).otherwise(1.0))
    judged = judged.with_columns(demand_given_forecast(judged).alias("held_against"))
    known = judged.drop_nulls("held_against")
    in_stock = judged.filter(~pl.col("is_stock_out"))
    assert known["expected_units"].sum() / known["held_against"].sum() == pytest.approx(1.0, abs=0.02)
    assert in_stock["expected_units"].sum() / in_stock["y"].sum() > 1.1


@pytest.mark.slow
def test_what_is_served_is_what_will_be_asked_for():
    panel = stocked_out_panel(0.3, seed=5, series=120, days=300)
    config = config_of({"cutoffs": 2, "threads": 1, "known": ["is_campaign"], "trees": {"iterations": 30}})
    truth = panel.select("unique_id", "ds", "demand")
    dense = panel_of(panel.drop("demand", "rate").with_columns(pl.col("is_campaign").cast(pl.Int8)), config)
    served = backtest(dense, config).forecasts.join(truth, on=["unique_id", "ds"])
    masked = FeatureMaker(dense)
    level = np.nansum(smoothed(masked.known_demand, HALF_LIFE)[:, -60:]) / panel.filter(pl.col("ds") > dense.ds[-61])["demand"].sum()
    assert served["expected_units"].sum() / served["demand"].sum() == pytest.approx(1.0, abs=0.1)
    assert level < 0.75
