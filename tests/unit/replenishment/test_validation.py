"""Validation: newest days are played as they were, stores with lost sales and centres with waiting stores, each kind for itself."""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from pipelines.params import read_params
from pipelines.replenishment.facts import read_facts
from pipelines.replenishment.planning import prepared
from pipelines.replenishment.validation import validation_of
from tests.unit.replenishment.support import published, unit

KNOBS = read_params().replenishment
DAY = date(2026, 3, 20)
DAYS = KNOBS.validation_days + KNOBS.warm_up_days + KNOBS.trailing_days


def _series(kind: str, count: int, **more) -> pl.DataFrame:
    usual = {
        "site_kind": kind, "class_code": "AX", "lead_time_days": 4.0, "lead_time_deviation_days": 0.0, "review_days": 1.0,
        "over_dispersion": 0.0, "holding_per_day": 0.3, "lost_margin": 60.0, "asked_fill": 0.95,
    }  # fmt: skip
    return pl.DataFrame([{"unique_id": f"{kind}{n}", **usual, **more} for n in range(count)])


def _history(series: pl.DataFrame, demand: np.ndarray) -> pl.DataFrame:
    days = [DAY - timedelta(days=demand.shape[1] - 1 - n) for n in range(demand.shape[1])]
    rows = [
        {"unique_id": unique_id, "ds": day, "y": float(units), "is_stock_out": False, "demand": float(units), "demand_variance": 0.0}
        for unique_id, units_of_days in zip(series["unique_id"], demand, strict=True)
        for day, units in zip(days, units_of_days, strict=True)
    ]
    return pl.DataFrame(rows)


def _lumpy(count: int) -> np.ndarray:
    """Ten units a day in the mean, most of them in few days: far more spread than series that are told to be steady."""
    rng = np.random.default_rng(3)
    return np.where(rng.random((count, DAYS)) < 0.1, rng.poisson(100, (count, DAYS)), 0)


def test_a_centre_is_played_with_stores_that_wait_for_its_units():
    centres = _series("distribution_centre", 12)
    played = validation_of(centres, _history(centres, _lumpy(12)), DAY, KNOBS, site_kind="distribution_centre")
    assert not played.supply.is_lost_sales
    assert played.tariff.shortage == pytest.approx(60.0 * KNOBS.late_share_per_day)
    assert played.demand.shape == (12, 1, KNOBS.validation_days + KNOBS.warm_up_days)
    assert validation_of(centres, _history(centres, _lumpy(12)), DAY, KNOBS) is None


def test_a_centre_whose_demand_is_told_too_steady_is_stocked_higher():
    centres = _series("distribution_centre", 12)
    (shift,) = validation_of(centres, _history(centres, _lumpy(12)), DAY, KNOBS, site_kind="distribution_centre").shifts().to_dicts()
    assert shift["ratio_shift"] > 0
    assert shift["cost"] < shift["cost_unshifted"]


def test_stores_and_centres_of_one_class_take_each_their_own_shift(home):
    published(home, unit("A1"), unit("A2", site="S2"))
    knobs = replace(KNOBS, minimum_class_series=1)
    ready = prepared(read_facts(home), knobs)
    assert set(ready.shifts["site_kind"]) == {"store", "distribution_centre"}
    told = ready.shifts.select("site_kind", "class_code", expected="ratio_shift")
    taken = ready.series.join(told, on=["site_kind", "class_code"], how="left")
    assert taken["ratio_shift"].to_list() == taken["expected"].to_list()
    assert set(taken["site_kind"]) == {"store", "distribution_centre"}
