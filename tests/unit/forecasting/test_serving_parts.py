import numpy as np
import pytest

from pipelines.forecasting.baselines import _without_bulk
from pipelines.forecasting.bias import bias_factor, money_class_factors
from pipelines.forecasting.levels import seasonal_indices, smoothed
from pipelines.forecasting.regression import fit_regression
from pipelines.forecasting.trees import lead_blocks


def test_a_bulk_order_is_cut_off_and_a_usual_period_is_not():
    history = np.array([[0, 4, 5, 6, 400, 5, 0, 4, 6]], dtype=float)
    trimmed = _without_bulk(history, np.array([0]))
    assert trimmed[0, 4] < 20
    np.testing.assert_array_equal(np.delete(trimmed, 4), np.delete(history, 4))


def test_a_bias_that_lasts_is_corrected_for_the_series_with_money():
    generator = np.random.default_rng(3)
    served = generator.uniform(5, 20, (800, 4))
    origin, cell = np.repeat(np.arange(8), 100), np.full(800, "smooth/mature/A", dtype=object)
    assert bias_factor(served, served * 1.2, origin, cell, 12, 4.0) == pytest.approx(1.2)
    actual = generator.poisson(served).astype(float)
    actual[500, 2] = 9000
    assert bias_factor(served, actual, origin, cell, 12, 4.0) == pytest.approx(1, abs=0.02)
    assert bias_factor(served, np.full(served.shape, np.nan), origin, cell, 12, 4.0) == 1
    cells = np.array(["smooth/mature/A", "lumpy/new/C", None], dtype=object)
    np.testing.assert_array_equal(money_class_factors(1.1, cells), [1.1, 1, 1])


def test_a_bias_whose_sign_changes_from_origin_to_origin_is_left_alone():
    served, origin = np.full((800, 1), 10.0), np.repeat(np.arange(8), 100)
    swinging = served * np.where(origin % 2 == 0, 1.3, 0.7)[:, None]
    assert bias_factor(served, swinging, origin, np.full(800, "smooth/mature/A", dtype=object), 8, 1.0) == 1


def test_a_smoother_skips_what_is_not_known():
    values = np.array([[np.nan, 4.0, np.nan, 4.0, 8.0]], dtype=np.float32)
    level = smoothed(values, half_life=1.0)
    assert np.isnan(level[0, 0])
    assert level[0, 2] == level[0, 1] == 4
    assert level[0, 4] == pytest.approx((8 + 4 / 2 + 4 / 4) / 1.75)


def test_seasonal_indices_of_few_sales_lean_on_everyone():
    weekday = np.array([1, 1, 1, 1, 1, 1, 8], dtype=np.float32)
    demand = np.vstack([np.tile(weekday, 8) * 10, np.eye(1, 56, 3)[0]]).astype(np.float32)
    indices = seasonal_indices(demand, 55, 7)
    assert indices[0, 6] == pytest.approx(4, abs=0.1)
    assert indices[1, 6] > 3


def test_the_regression_finds_an_elasticity():
    generator = np.random.default_rng(5)
    price, level = generator.normal(0, 0.3, (5000, 1)), generator.uniform(1, 50, 5000)
    y = generator.poisson(level * np.exp(-2 * price[:, 0])).astype(float)
    fitted = fit_regression(price.astype(np.float32), [0], y, level)
    assert fitted.coefficients[0] / fitted.scales[0] == pytest.approx(-2, abs=0.1)


@pytest.mark.parametrize(
    ("horizon", "season", "blocks"), [(4, 1, [(1, 4)]), (28, 7, [(1, 7), (8, 14), (15, 21), (22, 28)]), (10, 7, [(1, 7), (8, 10)])]
)
def test_blocks_of_leads_are_whole_seasons(horizon, season, blocks):
    assert lead_blocks(horizon, season) == blocks
