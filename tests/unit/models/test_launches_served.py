"""Cold start in the night: what never sold, or is still to be launched, is forecast beside what the engine forecasts."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from pipelines.models.demand import LAUNCH, forecast_demand
from pipelines.models.learning import Occasion, demand_engine, learn_demand
from pipelines.params import read_params

PARAMS = read_params()
FIRST, DAYS, AHEAD = date(2026, 1, 5), 120, 56
LAST = FIRST + timedelta(days=DAYS - 1)
RATES = {"S1": 2.0, "S2": 8.0}


def _days(article: str, site: str, first: date, y, *, color: str = "BLACK") -> pl.DataFrame:
    """Rows of one series from its first day to the end of plans; `y` by days since FIRST."""
    days = [first + timedelta(days=n) for n in range((LAST - first).days + 1 + AHEAD)]
    known = [float(y[(day - FIRST).days]) if day <= LAST else None for day in days]
    return pl.DataFrame(
        {
            "unique_id": f"{article}/{site}", "ds": days, "y": known, "is_stock_out": False, "article_id": article, "site_id": site,
            "generic_article_id": "G", "merchandise_category_code": "PHONE", "color_name": color, "storage_size_name": "128",
            "region_code": "TX",
            "is_holiday": False, "is_open": True, "campaign_discount_pct": 0.0, "price": 100.0,
        },
        schema_overrides={"y": pl.Float64},
    )  # fmt: skip


@pytest.fixture(scope="module")
def forecast():
    """Four variants that sell at both sites; NEW is launched in ten days, LISTED lies at S2 since a fortnight and never sold."""
    rng = np.random.default_rng(7)
    sold = [_days(f"A{n}", site, FIRST, rng.poisson(rate, DAYS)) for n in range(4) for site, rate in RATES.items()]
    launches = [_days("NEW", site, LAST + timedelta(days=10), []) for site in RATES]
    panel = pl.concat([*sold, *launches, _days("LISTED", "S2", LAST - timedelta(days=13), np.zeros(DAYS))])
    learned = learn_demand(panel, PARAMS, Occasion({}, None, None))
    return forecast_demand(demand_engine(learned.files), panel, PARAMS)


def _of(forecast: pl.DataFrame, unique_id: str) -> pl.DataFrame:
    return forecast.filter(pl.col("unique_id") == unique_id).sort("ds")


def test_a_launch_is_forecast_from_its_day_on_at_the_size_of_its_siblings_there(forecast):
    for site, rate in RATES.items():
        rows = _of(forecast, f"NEW/{site}")
        assert rows["ds"].to_list() == [LAST + timedelta(days=n) for n in range(10, 29)]
        assert rows["lead"].to_list() == list(range(10, 29))
        assert rows["model_name"].unique().to_list() == [LAUNCH]
        assert rows["expected_units"].mean() == pytest.approx(rate, rel=0.25)
        assert rows.select((pl.col("units_p05") <= pl.col("units_p50")).all() & (pl.col("units_p50") < pl.col("units_p95")).all()).item()
        assert rows["reason_1"][0] == "never sold here: as its siblings and this site let expect, 0 days after launch"


def test_what_lies_there_and_does_not_sell_is_expected_less_the_longer_it_does_not(forecast):
    listed = _of(forecast, "LISTED/S2")
    assert listed["lead"].to_list() == list(range(1, 29))
    # A fortnight in which siblings sold 112 and it sold none.
    assert 0 < listed["expected_units"].mean() < 0.4 * RATES["S2"]


def test_what_sold_is_forecast_by_the_engine(forecast):
    assert forecast.filter(pl.col("model_name") != LAUNCH)["unique_id"].n_unique() == 8
    assert forecast.select(pl.struct("unique_id", "ds").is_unique().all()).item()
