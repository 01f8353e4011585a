"""Reconciliation: whatever the forecasts, those that come out add up at every level and are never negative."""

from datetime import date, timedelta
from itertools import pairwise

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.forecasting.hierarchy import HierarchyError, aggregate_panel, node_members
from pipelines.forecasting.reconciliation import reconcile
from pipelines.forecasting.weeks import days_agreeing_with_weeks, weekly_forecasts

MONDAY = date(2026, 1, 5)
LEVELS = {"total": [], "region": ["region"], "article": ["article"], "article_region": ["article", "region"]}
QUANTILES = ["units_p10", "units_p50", "units_p90"]


def _statics(articles: int, sites: int) -> pl.DataFrame:
    pairs = [(a, s) for a in range(articles) for s in range(sites)]
    return pl.DataFrame(
        {
            "unique_id": [f"A{a}/S{s}" for a, s in pairs],
            "article": [f"A{a}" for a, _ in pairs],
            "region": ["north" if s % 2 else "south" for _, s in pairs],
        }
    )


def _forecasts(ids: list[str], *, days: int = 14, seed: int = 3, size: float = 2.0) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    mean = rng.gamma(1.0, size, (len(ids), days))
    spread = np.sqrt(mean)
    return pl.DataFrame(
        {
            "unique_id": np.repeat(ids, days),
            "cutoff": [MONDAY - timedelta(days=1)] * mean.size,
            "ds": [MONDAY + timedelta(days=day) for day in range(days)] * len(ids),
            "lead": list(range(1, days + 1)) * len(ids),
            "expected_units": mean.ravel(),
            "units_p10": np.maximum(mean - 1.28 * spread, 0).ravel(),
            "units_p50": mean.ravel(),
            "units_p90": (mean + 1.28 * spread).ravel(),
            "model_name": ["trees"] * mean.size,
        }
    )


def _largest_gap(coherent: pl.DataFrame, statics: pl.DataFrame, levels: dict) -> float:
    bottom = coherent.filter(pl.col("level") == "bottom").select("unique_id", "ds", pl.col("expected_units").alias("part"))
    sums = node_members(statics, levels).join(bottom, on="unique_id").group_by("node_id", "ds").agg(pl.col("part").sum())
    both = coherent.join(sums, left_on=["unique_id", "ds"], right_on=["node_id", "ds"])
    assert both.height == coherent.filter(pl.col("level") != "bottom").height
    return both.select((pl.col("expected_units") - pl.col("part")).abs().max()).item()


def _upper_forecasts(statics: pl.DataFrame) -> pl.DataFrame:
    return _forecasts(node_members(statics, LEVELS)["node_id"].unique().sort().to_list(), seed=9, size=20.0)


@pytest.mark.parametrize("method", ["bottom_up", "min_trace"])
def test_sums_are_equal_at_every_level(method):
    statics = _statics(5, 4)
    base = pl.concat([_forecasts(statics["unique_id"].to_list()), _upper_forecasts(statics)])
    coherent = reconcile(base, statics, LEVELS, method=method)
    assert _largest_gap(coherent, statics, LEVELS) < 1e-6
    assert coherent["expected_units"].min() >= 0
    assert coherent.columns == ["level", *base.columns]
    assert coherent.height == (20 + 1 + 2 + 5 + 10) * 14
    assert coherent.filter(pl.col("lead").is_null()).is_empty()


@settings(max_examples=25, deadline=None)
@given(articles=st.integers(1, 4), sites=st.integers(1, 4), seed=st.integers(0, 10_000), size=st.sampled_from([0.001, 1.0, 500.0]))
def test_coherence_holds_for_any_forecasts(articles, sites, seed, size):
    statics = _statics(articles, sites)
    base = pl.concat([_forecasts(statics["unique_id"].to_list(), days=3, seed=seed, size=size), _upper_forecasts(statics)])
    base = base.filter(pl.col("ds") < MONDAY + timedelta(days=3))
    coherent = reconcile(base, statics, LEVELS, method="min_trace")
    assert _largest_gap(coherent, statics, LEVELS) < 1e-6
    assert coherent["expected_units"].min() >= 0
    assert coherent.select(*(pl.col(a) <= pl.col(b) + 1e-9 for a, b in pairwise(QUANTILES))).to_numpy().all()


def test_min_trace_is_the_projection_of_the_textbook():
    statics = _statics(2, 2)
    base = pl.concat([_forecasts(statics["unique_id"].to_list(), days=1, size=50.0), _upper_forecasts(statics).filter(pl.col("lead") == 1)])
    coherent = reconcile(base, statics, LEVELS, method="min_trace")
    bottom = statics["unique_id"].sort().to_list()
    members = node_members(statics, LEVELS)
    upper = members["node_id"].unique().sort().to_list()
    inside = set(members.select("node_id", "unique_id").iter_rows())
    summing = np.array([[float((node, b) in inside) for b in bottom] for node in upper] + np.eye(4).tolist())
    weight = np.diag(1 / summing.sum(axis=1))
    y = np.array([base.filter(pl.col("unique_id") == node)["expected_units"][0] for node in [*upper, *bottom]])
    expected = np.linalg.solve(summing.T @ weight @ summing, summing.T @ weight @ y)
    found = [coherent.filter(pl.col("unique_id") == b)["expected_units"][0] for b in bottom]
    assert (expected > 0).all()
    assert found == pytest.approx(expected.tolist(), rel=1e-4)


def test_bottom_up_leaves_series_as_they_are_and_moves_upper_quantiles_with_the_mean():
    statics = _statics(3, 2)
    bottom = _forecasts(statics["unique_id"].to_list())
    upper = _upper_forecasts(statics)
    coherent = reconcile(pl.concat([bottom, upper]), statics, LEVELS)
    same = coherent.filter(pl.col("level") == "bottom").drop("level").sort("unique_id", "ds")
    assert same.equals(bottom.sort("unique_id", "ds"))
    both = coherent.filter(pl.col("level") == "total").join(upper, on=["unique_id", "ds"], suffix="_base")
    assert (both["units_p90"] / both["expected_units"]).to_list() == pytest.approx(
        (both["units_p90_base"] / both["expected_units_base"]).to_list()
    )


def test_quantiles_of_a_sum_of_independent_counts():
    statics = _statics(20, 20)
    rate = 0.3
    forecasts = _forecasts(statics["unique_id"].to_list(), days=1).with_columns(
        expected_units=pl.lit(rate), units_p10=pl.lit(0.0), units_p50=pl.lit(0.0), units_p90=pl.lit(1.0)
    )
    total = reconcile(forecasts, statics, {"total": []}).filter(pl.col("level") == "total")
    drawn = np.random.default_rng(1).poisson(rate * 400, 200_000)
    assert total.select(QUANTILES).row(0) == pytest.approx(np.quantile(drawn, [0.1, 0.5, 0.9]).tolist(), rel=0.02)
    together = reconcile(forecasts, statics, {"total": []}, correlation=0.5).filter(pl.col("level") == "total")
    assert together["units_p90"][0] > total["units_p90"][0]


def test_what_is_in_no_level_is_refused():
    statics = _statics(2, 2)
    with pytest.raises(HierarchyError, match="is in no level"):
        reconcile(_forecasts(["A9/S9"]), statics, LEVELS)
    with pytest.raises(HierarchyError, match="lacks category"):
        node_members(statics, {"category": ["category"]})
    with pytest.raises(HierarchyError, match="unknown method"):
        reconcile(_forecasts(["A0/S0"]), statics, LEVELS, method="magic")


def test_a_panel_of_sums():
    panel = pl.DataFrame(
        {
            "unique_id": ["a", "b", "a", "b", "a", "b"],
            "region": ["north", None, "north", None, "north", None],
            "ds": [MONDAY] * 2 + [MONDAY + timedelta(days=1)] * 2 + [MONDAY + timedelta(days=2)] * 2,
            "y": [1.0, 2.0, 3.0, None, None, None],
            "is_stock_out": [True, False, True, True, None, None],
            "price": [10.0, 20.0, 10.0, 20.0, 10.0, 20.0],
            "planned_at": [MONDAY, MONDAY + timedelta(days=1)] * 3,
        }
    )
    sums = aggregate_panel(panel, {"total": [], "region": ["region"]})
    total = sums.filter(pl.col("level") == "total")
    assert total["unique_id"].unique().to_list() == ["total"]
    assert total["y"].to_list() == [3.0, 3.0, None]
    assert total["is_stock_out"].to_list() == [False, True, False]
    assert total["price"].to_list() == [15.0] * 3
    assert total["planned_at"].to_list() == [MONDAY + timedelta(days=1)] * 3
    assert sums.filter(pl.col("level") == "region")["unique_id"].unique().sort().to_list() == ["region:north", "region:unknown"]
    assert sums.height == 9


def test_weeks_are_the_sums_of_their_days():
    daily = _forecasts(["a", "b"], days=17)
    weeks = weekly_forecasts(daily)
    assert weeks["forecast_days"].to_list() == [7, 7, 3] * 2
    assert weeks["expected_units"].sum() == pytest.approx(daily["expected_units"].sum())
    assert weeks.select((pl.col("units_p10") < pl.col("units_p50")) & (pl.col("units_p50") < pl.col("units_p90"))).to_series().all()


def test_days_and_weeks_meet_in_the_middle():
    daily = _forecasts(["a"], days=10)
    weekly = weekly_forecasts(daily).with_columns(pl.col("expected_units") * 1.5)
    agreed = weekly_forecasts(days_agreeing_with_weeks(daily, weekly))
    before = weekly_forecasts(daily)
    assert (agreed["expected_units"] / before["expected_units"]).to_list() == pytest.approx([1.25, 1.0])
    assert agreed.height == 2
