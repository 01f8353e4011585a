"""Censored demand: what is expected of stocked-out days is what was asked for, which neither zeros nor the other days' mean are."""

import numpy as np
import polars as pl
import pytest
from scipy.stats import nbinom, poisson

from pipelines.forecasting.censoring import with_expected_demand
from pipelines.forecasting.counts import log_probability, log_tail_probability, mean_of_at_least
from tests.unit.forecasting.stocked_out import stocked_out_panel


def _bias(found: pl.DataFrame, column: str) -> float:
    out = found.filter(pl.col("is_stock_out"))
    return out[column].sum() / out["demand"].sum() - 1


@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.slow), pytest.param(3, marks=pytest.mark.slow)])
@pytest.mark.parametrize("dispersion", [0.0, 0.3])
@pytest.mark.parametrize("rate", [0.05, 0.5, 5.0])
def test_bias_over_stocked_out_days_is_below_five_percent(rate, dispersion, seed):
    panel = stocked_out_panel(rate, seed=seed, dispersion=dispersion)
    found, report = with_expected_demand(panel, siblings=["article_id", "site_id"], effects=["is_campaign"])
    other_days = pl.col("y").filter(~pl.col("is_stock_out")).mean().over("unique_id").fill_null(0.0)
    naive = found.with_columns(other_days.alias("other_days"))
    assert abs(_bias(found, "expected_demand")) < 0.05
    assert _bias(naive, "y") < -0.15
    assert _bias(naive, "other_days") < -0.25
    assert report.periods == panel["is_stock_out"].sum()
    assert report.expected_units == pytest.approx(found.filter(pl.col("is_stock_out"))["expected_demand"].sum())


def test_a_level_that_doubles_is_followed():
    panel = stocked_out_panel(0.5, seed=3, growth=1.0)
    found, _ = with_expected_demand(panel, siblings=["article_id", "site_id"], effects=["is_campaign"])
    assert abs(_bias(found, "expected_demand")) < 0.05
    late = found.filter(pl.col("ds") > pl.col("ds").max() - pl.duration(days=91))
    assert abs(_bias(late, "expected_demand")) < 0.07


def test_expected_demand_is_never_less_than_was_sold_and_other_days_stay():
    panel = stocked_out_panel(0.5, seed=1, series=40, days=100)
    found, _ = with_expected_demand(panel)
    assert found.select((pl.col("expected_demand") >= pl.col("y")).all()).item()
    assert found.filter(~pl.col("is_stock_out")).select((pl.col("expected_demand") == pl.col("y")).all()).item()
    assert found.drop("expected_demand", "demand_level").equals(panel)


def test_a_series_never_in_stock_is_expected_what_its_siblings_sell():
    panel = stocked_out_panel(1.0, seed=5, series=60, days=182)
    never = pl.col("unique_id") == "A0/S0"
    panel = panel.with_columns(
        pl.when(never).then(0.0).otherwise(pl.col("y")).alias("y"),
        pl.when(never).then(True).otherwise(pl.col("is_stock_out")).alias("is_stock_out"),
    )
    found, _ = with_expected_demand(panel, siblings=["article_id", "site_id"], effects=["is_campaign"])
    asked, expected = found.filter(never).select(pl.col("demand", "expected_demand").sum()).row(0)
    assert expected == pytest.approx(asked, rel=0.3)


def test_the_order_of_rows_changes_nothing():
    panel = stocked_out_panel(0.5, seed=1, series=20, days=60)
    shuffled = panel.sample(fraction=1, shuffle=True, seed=2)
    columns = ["unique_id", "ds", "expected_demand"]
    one, other = (with_expected_demand(frame)[0].sort("unique_id", "ds").select(columns) for frame in (panel, shuffled))
    assert one["expected_demand"].to_list() == pytest.approx(other["expected_demand"].to_list())


@pytest.mark.parametrize("case", ["none", "all", "one row", "empty"])
def test_panels_with_nothing_to_learn_from(case):
    panel = stocked_out_panel(0.5, seed=1, series=3, days=30)
    if case in {"none", "all"}:
        panel = panel.with_columns(pl.lit(case == "all").alias("is_stock_out"))
    panel = panel.head({"one row": 1, "empty": 0}.get(case, panel.height))
    found, report = with_expected_demand(panel)
    assert found.height == panel.height
    assert found["expected_demand"].is_finite().all()
    assert report.periods == (panel.height if case == "all" else panel["is_stock_out"].sum())


def test_truncated_means_are_those_of_the_distribution():
    count = np.arange(4000)
    for mean, bound in ((0.05, 1), (0.7, 2), (5.0, 3), (5.0, 11), (80.0, 90)):
        mass = poisson.pmf(count, mean) * (count >= bound)
        assert mean_of_at_least(np.array([bound]), np.array([mean]), 0.0)[0] == pytest.approx(mass @ count / mass.sum(), rel=2e-3)
        for dispersion in (0.1, 1.0):
            law = nbinom(1 / dispersion, 1 / (1 + dispersion * mean))
            mass = law.pmf(count) * (count >= bound)
            assert mean_of_at_least(np.array([bound]), np.array([mean]), dispersion)[0] == pytest.approx(mass @ count / mass.sum())
            assert log_probability(np.array([bound]), np.array([mean]), dispersion)[0] == pytest.approx(law.logpmf(bound))
            assert log_tail_probability(np.array([bound]), np.array([mean]), dispersion)[0] == pytest.approx(law.logsf(bound - 1))
    assert mean_of_at_least(np.array([0, 5000]), np.array([0.3, 0.3]), 0.0).tolist() == [0.3, 5000.0]
