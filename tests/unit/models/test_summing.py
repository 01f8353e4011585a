"""Sums of forecasts: all levels agree by day and by week, and shares add up."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from pipelines.forecasting.spread import error_correlation
from pipelines.models.summing import LEVELS, article_shares, forecasts_by_level

MONDAY = date(2026, 6, 1)
QUANTILES = ("units_p05", "units_p50", "units_p95")
NODE = ["region_code", "site_id", "merchandise_category_code", "generic_article_id", "article_id"]


def _world(days: int = 10) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Forecasts from a Wednesday on of two variants of one article and one of another at three sites in two regions, and their statics."""
    variants = {"A1": ("A", "PHONE"), "A2": ("A", "PHONE"), "B1": ("B", None)}
    sites = {"S1": "TX", "S2": "TX", "S3": "NY"}
    series = [(f"{v}/{s}", v, *variants[v], s, sites[s]) for v in variants for s in sites]
    statics = pl.DataFrame(
        series,
        schema=["unique_id", "article_id", "generic_article_id", "merchandise_category_code", "site_id", "region_code"],
        orient="row",
    )
    ahead = pl.DataFrame({"ds": [MONDAY + timedelta(days=2 + n) for n in range(days)]})
    expected = np.random.default_rng(4).gamma(2.0, 1.0, statics.height * days)
    forecasts = statics.select("unique_id").join(ahead, how="cross").with_columns(expected_units=pl.Series(expected))
    wide = [(pl.col("expected_units") * factor).alias(name) for name, factor in zip(QUANTILES, (0.3, 0.9, 2.2), strict=True)]
    return forecasts.with_columns(wide), statics


@pytest.fixture(scope="module")
def summed():
    forecasts, statics = _world()
    return forecasts_by_level(forecasts, statics, {"series": 0.1, "days": 0.2})


def test_every_level_adds_up_to_the_forecasts_by_day_and_by_week(summed):
    forecasts, _ = _world()
    for period in ("day", "week"):
        when = pl.col("ds") if period == "day" else pl.col("ds").dt.truncate("1w")
        total = forecasts.group_by(when).agg(pl.col("expected_units").sum()).sort("ds")
        levels = [*LEVELS, *(["variant_site"] if period == "week" else [])]
        assert sorted(summed.filter(pl.col("period_name") == period)["level_code"].unique()) == sorted(levels)
        for level in levels:
            rows = summed.filter((pl.col("period_name") == period) & (pl.col("level_code") == level))
            added = rows.group_by("ds").agg(pl.col("expected_units").sum()).sort("ds")
            assert added["ds"].to_list() == total["ds"].to_list()
            assert np.allclose(added["expected_units"], total["expected_units"], rtol=1e-12)


def test_each_node_is_named_by_its_own_columns_and_holds_its_own_series(summed):
    forecasts, _ = _world()
    of_node = summed.filter((pl.col("level_code") == "article_region") & (pl.col("period_name") == "day"))
    assert of_node.select("generic_article_id", "region_code").unique().sort(pl.all()).rows() == [
        ("A", "NY"),
        ("A", "TX"),
        ("B", "NY"),
        ("B", "TX"),
    ]
    assert of_node.select(pl.col("article_id", "site_id", "merchandise_category_code").is_null().all()).row(0) == (True, True, True)
    texas = forecasts.filter(pl.col("unique_id").is_in(["A1/S1", "A2/S1", "A1/S2", "A2/S2"]) & (pl.col("ds") == MONDAY + timedelta(days=2)))
    told = of_node.filter((pl.col("generic_article_id") == "A") & (pl.col("region_code") == "TX")).sort("ds")["expected_units"][0]
    assert told == pytest.approx(texas["expected_units"].sum())
    assert summed.select("level_code", "period_name", *NODE, "ds").is_duplicated().sum() == 0


def test_a_week_that_the_horizon_cuts_says_how_many_of_its_days_are_forecast(summed):
    weeks = summed.filter((pl.col("level_code") == "total") & (pl.col("period_name") == "week")).sort("ds")
    assert weeks.select("ds", "forecast_days").rows() == [(MONDAY, 5), (MONDAY + timedelta(days=7), 5)]


def test_sums_are_narrower_than_sums_of_quantiles_and_wider_where_errors_move_together():
    forecasts, statics = _world()
    alone, together = (
        forecasts_by_level(forecasts, statics, {"series": rho, "days": 0.0}).filter(
            (pl.col("level_code") == "total") & (pl.col("period_name") == "day")
        )
        for rho in (0.0, 0.8)
    )
    added = forecasts.group_by("ds").agg(pl.col("units_p95").sum()).sort("ds")["units_p95"]
    assert (alone.sort("ds")["units_p95"] < together.sort("ds")["units_p95"]).all()
    assert (alone.sort("ds")["units_p95"] < 0.8 * added).all()


def test_a_launch_has_no_week_before_it():
    forecasts, statics = _world(14)
    late = forecasts.filter((pl.col("unique_id") != "B1/S3") | (pl.col("ds") >= MONDAY + timedelta(days=9)))
    summed = forecasts_by_level(late, statics, {"series": 0.0, "days": 0.0})
    weeks = summed.filter((pl.col("level_code") == "variant_site") & (pl.col("article_id") == "B1") & (pl.col("site_id") == "S3"))
    assert weeks.sort("ds").select("ds", "forecast_days").rows() == [(MONDAY + timedelta(days=7), 5), (MONDAY + timedelta(days=14), 2)]


@pytest.mark.parametrize("shared", [0.0, 0.3])
def test_the_correlation_of_errors_is_found(shared):
    rng = np.random.default_rng(9)
    cutoffs, series, mean = 400, 30, 25.0
    common, own = rng.normal(size=(cutoffs, 1)), rng.normal(size=(cutoffs, series))
    error = np.sqrt(mean) * (np.sqrt(shared) * common + np.sqrt(1 - shared) * own)
    normal = {"units_p10": -1.2816, "units_p90": 1.2816}
    judged = pl.DataFrame(
        {
            "cutoff": np.repeat(np.arange(cutoffs), series),
            "ds": 1,
            "y": mean + error.ravel(),
            "expected_units": mean,
            **{name: mean + z * np.sqrt(mean) for name, z in normal.items()},
        }
    )
    assert error_correlation(judged, ["cutoff", "ds"]) == pytest.approx(shared, abs=0.05)


def test_shares_add_up_and_what_sold_out_counts_with_what_was_asked_for():
    rng = np.random.default_rng(2)
    days, rows = 120, []
    for color, rate in (("BLACK", 6.0), ("RED", 6.0)):
        for day in range(days):
            # Red runs out after the third unit on every other day.
            wanted = int(rng.poisson(rate))
            is_out = color == "RED" and day % 2 == 0 and wanted >= 3
            sold = float(min(wanted, 3) if is_out else wanted)
            rows.append((f"A-{color}/S1", MONDAY + timedelta(days=day), sold, is_out, f"A-{color}", "S1", "A", "PHONE", "TX", color, "128"))
    names = ["unique_id", "ds", "y", "is_stock_out", "article_id", "site_id", "generic_article_id", "merchandise_category_code"]
    panel = pl.DataFrame(rows, schema=[*names, "region_code", "color_name", "storage_size_name"], orient="row")
    shares = article_shares(panel, 182)
    assert sorted(shares["region_code"].unique()) == ["TX", "all"]
    sums = shares.group_by("generic_article_id", "region_code", "attribute").agg(pl.col("expected_share").sum())
    assert np.allclose(sums["expected_share"], 1.0)
    red = shares.filter((pl.col("region_code") == "all") & (pl.col("value") == "RED"))
    sold_share = panel.filter(pl.col("color_name") == "RED")["y"].sum() / panel["y"].sum()
    assert sold_share < 0.45
    assert red["share"].item() == pytest.approx(0.5, abs=0.03)


def test_variants_without_an_article_above_them_have_no_shares():
    panel = pl.DataFrame({"unique_id": ["A/S1"], "ds": [MONDAY], "y": [1.0], "is_stock_out": [False], "generic_article_id": [None]})
    assert article_shares(panel.with_columns(pl.col("generic_article_id").cast(pl.String)), 182).is_empty()
