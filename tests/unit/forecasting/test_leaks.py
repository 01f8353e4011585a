"""Leaks: nothing that became known after a cut-off changes what is forecast at it, neither demand nor stock, price nor plans."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from pipelines.forecasting.backtest import backtest
from pipelines.forecasting.baselines import baseline_forecasts
from pipelines.forecasting.config import config_of
from pipelines.forecasting.features import FeatureMaker
from pipelines.forecasting.panel import panel_of

pytestmark = pytest.mark.slow
CONFIG = config_of(
    {"cutoffs": 2, "validation_cutoffs": 2, "threads": 1, "trees": {"iterations": 10, "maximum_rows": 3000, "minimum_leaf_rows": 20}}
)
WEEKS, AHEAD = 70, 4
LATER = pl.col("ds") > pl.col("cutoff")


def _frame() -> pl.DataFrame:
    """Weekly demand of 24 series with gaps, stock-outs, a price known afterwards only, and campaigns planned three weeks before."""
    generator = np.random.default_rng(8)
    series, weeks = 24, WEEKS + AHEAD
    campaign = generator.random((series, weeks)) < 0.2
    price = 10 + generator.integers(0, 3, (series, weeks))
    mean = np.exp(np.linspace(-1, 3, series))[:, None] * np.where(campaign, 2.0, 1.0) * (10 / price)
    days = [date(2024, 1, 1) + timedelta(weeks=week) for week in range(weeks)]
    frame = pl.DataFrame(
        {
            "unique_id": np.repeat([f"s{n:02d}" for n in range(series)], weeks),
            "ds": days * series,
            "y": generator.poisson(mean).astype(float).ravel(),
            "is_stock_out": (generator.random((series, weeks)) < 0.03).ravel(),
            "campaign": campaign.astype(float).ravel(),
            "campaign_planned_at": [day - timedelta(weeks=3) for day in days] * series,
            "category": np.repeat([f"c{n % 3}" for n in range(series)], weeks),
            "price": price.astype(float).ravel(),
        }
    )
    known = pl.col("ds") <= days[WEEKS - 1]
    frame = frame.with_columns(pl.when(known).then(pl.col(name)).alias(name) for name in ("y", "is_stock_out", "price"))
    return frame.filter(~known | (pl.int_range(pl.len()) % 11 != 3))


@pytest.fixture(scope="module")
def first():
    found = backtest(panel_of(_frame(), CONFIG), CONFIG)
    return found.panel.ds[found.cutoffs[0]], _said(found, found.panel.ds[found.cutoffs[0]])


def _said(found, cutoff: date) -> pl.DataFrame:
    return found.forecasts.filter(pl.col("cutoff") == cutoff).drop("y", "is_stock_out").sort("unique_id", "ds")


CHANGES = {
    "more demand": pl.when(LATER).then(pl.col("y") * 9 + 5).otherwise("y").alias("y"),
    "no demand": pl.when(LATER & pl.col("y").is_not_null()).then(0.0).otherwise("y").alias("y"),
    "broken units": pl.when(LATER).then(pl.col("y") * 0.37).otherwise("y").alias("y"),
    "stock-outs": pl.when(LATER).then(pl.lit(value=True)).otherwise("is_stock_out").alias("is_stock_out"),
    "prices": pl.when(LATER).then(pl.col("price") * pl.col("unique_id").str.slice(1).cast(pl.Float64)).otherwise("price").alias("price"),
    "plans made later": pl.when(pl.col("campaign_planned_at") > pl.col("cutoff")).then(1.0).otherwise("campaign").alias("campaign"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_what_comes_after_the_cutoff_changes_no_forecast(first, name):
    cutoff, said = first
    changed = _frame().with_columns(pl.lit(cutoff).alias("cutoff")).with_columns(CHANGES[name]).drop("cutoff")
    assert not changed.equals(_frame())
    again = _said(backtest(panel_of(changed, CONFIG), CONFIG), cutoff)
    assert again.equals(said)


def test_a_series_that_begins_later_changes_no_forecast(first):
    cutoff, said = first
    later = _frame().filter((pl.col("unique_id") == "s20") & (pl.col("ds") > cutoff)).with_columns(pl.lit("new").alias("unique_id"))
    again = _said(backtest(panel_of(pl.concat([_frame(), later]), CONFIG), CONFIG), cutoff)
    assert again.filter(pl.col("unique_id") != "new").equals(said)


def test_a_horizon_beyond_a_year_repeats_last_year_and_does_not_read_the_weeks_to_come():
    generator = np.random.default_rng(4)
    demand = pl.DataFrame(
        {"unique_id": "a", "ds": [date(2022, 1, 3) + timedelta(weeks=w) for w in range(150)], "y": generator.poisson(20, 150)}
    )
    maker = FeatureMaker(panel_of(demand, config_of({"horizon": 60})))
    cut = FeatureMaker(maker.panel.until(100))
    said = baseline_forecasts(maker, 100, 60, ["last_year_trend"])["last_year_trend"]
    np.testing.assert_array_equal(said, baseline_forecasts(cut, 100, 60, ["last_year_trend"])["last_year_trend"])
    np.testing.assert_array_equal(said[:, 52:], said[:, :8])


def test_gaps_are_read_by_what_was_known_at_the_first_cutoff():
    frame = _frame().filter((pl.col("y") > 0) | pl.col("y").is_null())
    first_cutoff = frame["ds"].unique().sort()[WEEKS - 2 - AHEAD]
    zeros = frame.filter(pl.col("ds") > first_cutoff).with_columns(pl.when(pl.col("y").is_not_null()).then(0.0).alias("y"))
    before, after = panel_of(frame, CONFIG), panel_of(pl.concat([frame.filter(pl.col("ds") <= first_cutoff), zeros]), CONFIG)
    known = WEEKS - 1 - AHEAD
    np.testing.assert_array_equal(before.y[:, :known], after.y[:, :known])
