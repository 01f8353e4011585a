"""Drift: exact values of each measure, and verdicts that follow from them."""

from dataclasses import replace
from datetime import date, timedelta
from math import log

import numpy as np
import polars as pl
import pytest
from scipy.stats import ks_2samp

from pipelines.forecasting.drift import data_volume, demand_drift, expected_over_observed, feature_drift, tracking_signal
from pipelines.params import read_params

DAY = date(2026, 3, 2)


def _row(verdicts: pl.DataFrame, measure: str, subject: str = "all") -> dict:
    return verdicts.row(by_predicate=(pl.col("measure") == measure) & (pl.col("subject") == subject), named=True)


def _judged(y: list[float], expected: list[float], **columns) -> pl.DataFrame:
    days = [DAY + timedelta(days=n) for n in range(len(y))]
    return pl.DataFrame({"unique_id": "a", "ds": days, "y": y, "expected_units": expected, **columns})


def test_the_same_data_does_not_drift():
    frame = pl.DataFrame({"level": np.arange(100.0), "color": ["red", "blue"] * 50, "is_open": [True, False] * 50})
    verdicts = feature_drift(frame, frame)
    assert verdicts["value"].to_list() == [0.0] * 6
    assert not verdicts["is_drifting"].any()


def test_psi_of_two_bins():
    before, now = pl.DataFrame({"x": [0.0] * 50 + [1.0] * 50}), pl.DataFrame({"x": [0.0] * 20 + [1.0] * 80})
    verdict = _row(feature_drift(before, now), "psi", "x")
    assert verdict["value"] == pytest.approx((0.2 - 0.5) * log(0.2 / 0.5) + (0.8 - 0.5) * log(0.8 / 0.5))
    assert verdict["is_drifting"]
    assert verdict["text"] == "x: population stability index 0.42"


def test_missing_values_are_a_bin_of_their_own():
    before, now = pl.DataFrame({"x": [1.0] * 10}), pl.DataFrame({"x": [1.0] * 5 + [None] * 5})
    verdict = _row(feature_drift(before, now), "psi", "x")
    assert verdict["value"] == pytest.approx((0.5 - 1) * log(0.5) + (0.5 - 1e-4) * log(0.5 / 1e-4))


def test_ks_is_that_of_scipy():
    rng = np.random.default_rng(1)
    one, other = rng.normal(size=500), rng.normal(0.4, 1.2, size=300)
    verdict = _row(feature_drift(pl.DataFrame({"x": one}), pl.DataFrame({"x": other})), "ks", "x")
    assert verdict["value"] == pytest.approx(ks_2samp(one, other).statistic)
    assert verdict["is_drifting"]


def test_unseen_categories():
    before, now = pl.DataFrame({"c": ["a", "b"] * 10}), pl.DataFrame({"c": ["a"] * 9 + ["new"]})
    verdict = _row(feature_drift(before, now), "unseen_share", "c")
    assert (verdict["value"], verdict["limit"], verdict["is_drifting"]) == (pytest.approx(0.1), 0.02, True)
    assert verdict["text"] == "c: 10.0% of rows have a value never seen before"


def test_expected_over_observed_in_sigmas():
    judged = _judged([60.0, 70.0, 999.0], [50.0, 50.0, 1.0], is_stock_out=[False, False, True], segment=["smooth", "lumpy", "lumpy"])
    verdicts = expected_over_observed(judged, "segment")
    verdict = _row(verdicts, "expected_over_observed")
    assert (verdict["value"], verdict["is_drifting"]) == (pytest.approx(3.0), False)
    assert verdict["text"] == "all: expected 100.0 units, 130.0 came: 0.77 times as many expected"
    assert _row(verdicts, "expected_over_observed", "smooth")["value"] == pytest.approx(10 / 50**0.5)
    assert expected_over_observed(judged, limits=replace(read_params().drift, poisson_sigmas=2.9))["is_drifting"].to_list() == [True]


def test_tracking_signal():
    chance = tracking_signal(_judged([3.0, 1.0, 3.0, 1.0, 3.0], [2.0] * 5))
    assert (chance["value"][0], chance["is_drifting"][0]) == (1.0, False)
    bias = tracking_signal(_judged([3.0] * 5, [2.0] * 5))
    assert (bias["value"][0], bias["is_drifting"][0]) == (5.0, True)
    assert bias["text"][0] == "all: errors of 5 periods add up to 5.0 of their mean size"
    assert tracking_signal(_judged([2.0] * 5, [2.0] * 5))["value"][0] == 0.0


def test_series_of_a_period_are_added_up_before_they_are_judged():
    judged = pl.concat([_judged([2.0, 0.0] * 3, [1.0] * 6), _judged([0.0, 2.0] * 3, [1.0] * 6).with_columns(unique_id=pl.lit("b"))])
    assert tracking_signal(judged)["value"][0] == 0.0


def test_data_volume():
    reference = pl.DataFrame({"site": ["a"] * 20 + ["b"] * 10 + ["c"] * 10, "ds": [DAY + timedelta(days=n % 10) for n in range(40)]})
    current = pl.DataFrame({"site": ["a"] * 2 + ["b"], "ds": [DAY] * 3}).vstack(pl.DataFrame({"site": ["new"], "ds": [DAY]}))
    verdicts = data_volume(reference, current, "site")
    assert verdicts.select("subject", "value", "is_drifting").rows() == [
        ("a", 0.0, False), ("b", 0.0, False), ("c", -1.0, True), ("new", 1.0, True),
    ]  # fmt: skip
    assert verdicts["text"][2] == "c: 0.0 rows a period after 1.0"


def test_all_verdicts_share_one_form():
    judged = _judged([3.0] * 5, [2.0] * 5, segment=["smooth"] * 5)
    verdicts = demand_drift(judged, reference=judged.select("y"), current=judged.select("y"), by="segment")
    assert verdicts.columns == ["measure", "subject", "value", "limit", "is_drifting", "text"]
    assert verdicts["measure"].unique().sort().to_list() == ["expected_over_observed", "ks", "psi", "tracking_signal"]
    assert demand_drift(judged.head(0))["is_drifting"].any() is False
