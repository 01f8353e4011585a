"""Accuracy: each matured day is judged once, by the newest forecast of each lead time, and stock-outs are not judged."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl
import pytest

from pipelines.contracts import published_contracts
from pipelines.lake import Lake
from pipelines.models.accuracy import ACCURACY, BY_SEGMENT, accuracy_by_segment, add_matured, judged_forecasts
from pipelines.models.memory import recall, remember
from tests.unit.models.test_promotion import CONTRACT, scored

CONTRACTS = published_contracts()
NIGHTS = [date(2026, 3, 5), date(2026, 3, 6)]
ACTUAL = pl.DataFrame(
    {
        "unique_id": "A/S1",
        "ds": [date(2026, 3, 6), date(2026, 3, 7), date(2026, 3, 8)],
        "y": [3.0, 0.0, None],
        "is_stock_out": [False, True, False],
        "demand": [3.0, None, None],
    }
)


@pytest.fixture
def lake(home):
    found = Lake(home.lake)
    for night in NIGHTS:
        remember(found, CONTRACT, scored(night, "v1", expected=float(night.day)), "champion")
        remember(found, CONTRACT, scored(night, "v2", expected=99.0), "challenger")
    return found


def add(lake, until, **made_from):
    return add_matured(
        lake, CONTRACTS, ACTUAL, scored_table="demand_forecasts", matured_until=until, horizon_days=28, made_from=made_from or {"n": 1}
    )


def test_a_day_is_judged_by_the_newest_forecast_of_each_lead_time(lake):
    remembered = recall(lake, CONTRACT, first=date(2026, 3, 6), last=date(2026, 3, 8), horizon_days=28)
    judged = judged_forecasts(remembered, ACTUAL).sort("forecast_date", "lead_bucket_code")
    told = judged.select("forecast_date", "lead_bucket_code", "lead_time_days", "expected_units", "absolute_error_units", "is_p50_held")
    assert told.rows() == [
        (date(2026, 3, 6), "1", 1, 5.0, 2.0, False),
        (date(2026, 3, 7), "1", 1, 6.0, None, None),
        (date(2026, 3, 7), "2-7", 2, 5.0, None, None),
    ]
    sums = accuracy_by_segment(judged).filter(pl.col("segment") == "all").sort("forecast_date", "lead_bucket_code")
    assert sums.select("judged_series", "stock_out_series", "absolute_error_units", "wape", "bias").rows() == [
        (1, 0, 2.0, pytest.approx(2 / 3), pytest.approx(2 / 3)),
        (0, 1, 0.0, None, None),
        (0, 1, 0.0, None, None),
    ]
    # Quantiles of 1 unit against a demand of 3: the loss of each is its level times 2, doubled; the levels' mean is 0.5.
    assert sums["quantile_loss_units"][0] == pytest.approx(2 * 0.5 * 2)


def test_a_day_that_ran_out_is_judged_by_what_is_expected_of_it(lake):
    remembered = recall(lake, CONTRACT, first=date(2026, 3, 7), last=date(2026, 3, 7), horizon_days=28)
    out = pl.DataFrame({"unique_id": "A/S1", "ds": [date(2026, 3, 7)], "y": [1.0], "is_stock_out": [True], "demand": [1.4]})
    judged = judged_forecasts(remembered, out).sort("lead_bucket_code")
    told = judged.select("units_demanded", "is_stock_out", "absolute_error_units", "is_p50_held")
    # Quantiles of one unit hold a demand of which 1.4 is expected: it most likely was 1.
    assert told.rows() == [(1.4, True, pytest.approx(4.6), True), (1.4, True, pytest.approx(3.6), True)]
    sums = accuracy_by_segment(judged).filter(pl.col("segment") == "all").sort("lead_bucket_code")
    assert sums.select("judged_series", "stock_out_series", "bias").rows() == [
        (1, 0, pytest.approx(4.6 / 1.4)),
        (1, 0, pytest.approx(3.6 / 1.4)),
    ]


def test_matured_days_are_added_once_and_the_tables_say_up_to_when(lake):
    assert add(lake, date(2026, 3, 6)) == {ACCURACY: 1, BY_SEGMENT: 2}
    assert add(lake, date(2026, 3, 6)) == {ACCURACY: 0, BY_SEGMENT: 0}
    assert add(lake, date(2026, 3, 7)) == {ACCURACY: 2, BY_SEGMENT: 4}
    version = lake.version(f"gold/{ACCURACY}")
    assert add(lake, date(2026, 3, 7)) == {ACCURACY: 0, BY_SEGMENT: 0}
    assert lake.version(f"gold/{ACCURACY}") == version
    # Other facts of the same days change nothing that was judged, and are noted.
    assert add(lake, date(2026, 3, 7), n=2) == {ACCURACY: 0, BY_SEGMENT: 0}
    assert lake.fingerprint(f"gold/{ACCURACY}") == {"matured_until": "2026-03-07", "n": 2}
    rows = lake.read(f"gold/{ACCURACY}")
    assert rows.select(pl.struct("article_id", "site_id", "forecast_date", "lead_bucket_code").is_unique().all()).item()
    assert dict(rows.schema) == CONTRACTS[ACCURACY].polars_schema


def test_a_night_that_was_missed_is_made_good(lake):
    add(lake, date(2026, 3, 5))
    assert add(lake, date(2026, 3, 7) + timedelta(days=3)) == {ACCURACY: 3, BY_SEGMENT: 6}
