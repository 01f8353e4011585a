"""Targets: levels in whole units that follow from the forecast, and from what packs, shelves, age and service ask."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from pipelines.params import read_params
from pipelines.replenishment.calibration import calibrated_shifts
from pipelines.replenishment.distributions import level_of, negative_binomial
from pipelines.replenishment.lead_times import learned_lead_times
from pipelines.replenishment.policy_simulator import Supply, Tariff
from pipelines.replenishment.spreads import level_judged, over_dispersion, window_sums
from pipelines.replenishment.targets import cumulated_forecast, demand_over, economics, levels, shifted

KNOBS = read_params().replenishment
DAY = date(2026, 3, 1)


def series(**more) -> pl.DataFrame:
    """One store's article of 500, a delivery every two days, four days from order to receipt."""
    row = {
        "unique_id": "p/S1", "site_kind": "store", "unit_value": 500.0, "is_ageing": False, "lead_time_days": 4.0,
        "lead_time_deviation_days": 1.0, "review_days": 2.0, "over_dispersion": 0.2, "mode_code": "cost", "asked_fill": 0.95,
        "ratio_shift": 0.0, "display_units": 1, "pack_units": 1, "capacity_units": 0,
        "holding_share_per_year": None, "margin_share": None, **more,
    }  # fmt: skip
    return economics(pl.DataFrame([row], schema_overrides=dict.fromkeys(("holding_share_per_year", "margin_share"), pl.Float64)), KNOBS)


def level(cumulated: np.ndarray | None = None, knobs=KNOBS, **more) -> dict:
    return levels(series(**more), np.arange(29.0)[None] if cumulated is None else cumulated, knobs).row(0, named=True)


def test_levels_are_whole_and_one_apart_without_a_cost_of_ordering():
    found = level()
    assert found["expected_units"] == pytest.approx(6.0)
    assert found["order_up_to_units"] == found["reorder_units"] + 1
    assert found["units_deviation"] == pytest.approx(np.sqrt(6 + 0.2 * 36 + 1.0))
    assert found["order_up_to_units"] > 6
    assert found["expected_fill"] > 0.97


def test_more_spread_a_longer_lane_and_a_campaign_need_more():
    assert level(over_dispersion=0.6)["order_up_to_units"] > level()["order_up_to_units"]
    assert level(lead_time_deviation_days=4.0)["order_up_to_units"] > level()["order_up_to_units"]
    assert level(lead_time_days=8.0)["order_up_to_units"] > level()["order_up_to_units"]
    campaign = np.cumsum([0.0, 1, 1, 1, 2, 2, 2, *[1] * 22])[None]
    assert level(campaign)["order_up_to_units"] > level()["order_up_to_units"]


def test_service_asks_for_a_fill_rate_and_gets_it():
    for asked in (0.8, 0.9, 0.97):
        found = level(mode_code="service", asked_fill=asked)
        assert found["expected_fill"] >= asked
        assert found["expected_fill"] < asked + 0.08


def test_packs_shelves_displays_and_age_have_their_say():
    packed = level(pack_units=6)
    assert packed["order_up_to_units"] - packed["reorder_units"] == 6
    assert level(capacity_units=5)["order_up_to_units"] == 5
    assert level(capacity_units=5)["reorder_units"] == 4
    slow = np.linspace(0, 0.6, 29)[None]
    assert level(slow, display_units=3)["order_up_to_units"] == 3
    nothing = level(np.zeros((1, 29)), display_units=3)
    assert (nothing["order_up_to_units"], nothing["reorder_units"]) == (0, -1)
    assert level(is_ageing=True, over_dispersion=3.0)["order_up_to_units"] <= 13 < level(over_dispersion=3.0)["order_up_to_units"]


def test_an_order_that_costs_something_is_batched():
    found = level(site_kind="distribution_centre")
    knobs = replace(KNOBS, centre_order_cost=0.0)
    alone = level(knobs=knobs, site_kind="distribution_centre")
    assert found["order_up_to_units"] - found["reorder_units"] > alone["order_up_to_units"] - alone["reorder_units"] == 1
    assert found["reorder_units"] == alone["reorder_units"]


def test_a_shift_moves_the_ratio_the_way_it_says():
    assert shifted(0.9, 0.0) == pytest.approx(0.9)
    assert shifted(0.9, -1.0) < 0.9 < shifted(0.9, 1.0) < 1
    assert level(ratio_shift=-2.0)["order_up_to_units"] < level()["order_up_to_units"]


def test_days_add_up_and_go_on_beyond_the_horizon():
    forecasts = pl.DataFrame({"unique_id": ["b", "b", "a"], "lead": [1, 2, 2], "expected_units": [1.0, 3.0, 5.0]})
    found = cumulated_forecast(forecasts, pl.Series(["a", "b", "c"]))
    assert found.tolist() == [[0, 0, 5], [0, 1, 4], [0, 0, 0]]
    over = demand_over(found[1:2], np.array([1.5]), over_dispersion=np.zeros(1), days_deviation=np.zeros(1))
    assert over.mean[0] == pytest.approx(2.5)
    beyond = demand_over(found[1:2], np.array([4.0]), over_dispersion=np.zeros(1), days_deviation=np.zeros(1))
    assert beyond.mean[0] == pytest.approx(8.0)


def history(days: int = 200, size: float = 2.0) -> pl.DataFrame:
    """Two steady series with over-dispersion 0.5 in every window of a week, and one Poisson series."""
    rng = np.random.default_rng(3)
    weekly = rng.gamma(size, 1 / size, (2, days // 7 + 1)).repeat(7, axis=1)[:, :days]
    rates = np.concatenate([weekly * 8, np.full((1, days), 8.0)])
    when = pl.date_range(DAY, DAY + timedelta(days=days - 1), eager=True)
    parts = [
        pl.DataFrame({"unique_id": name, "ds": when, "y": rng.poisson(rate).astype(float)}) for name, rate in zip("abc", rates, strict=True)
    ]
    return pl.concat(parts).with_columns(is_stock_out=pl.lit(value=False), demand="y", demand_variance=0.0)


def test_the_spread_of_sums_is_found_where_there_is_one():
    sums = level_judged(history(1400), window_days=7, trailing_days=28, step_days=7)
    found = over_dispersion(sums, bins=1, prior_windows=0)
    spread = dict(found.select("unique_id", "over_dispersion").iter_rows())
    assert spread["c"] < 0.1
    assert spread["a"] > 0.35
    shrunk = dict(over_dispersion(sums, bins=1, prior_windows=1e6).select("unique_id", "over_dispersion").iter_rows())
    assert shrunk["a"] == pytest.approx(shrunk["c"], rel=0.05)
    assert shrunk[None] == pytest.approx(shrunk["a"], rel=0.05)


def test_windows_with_a_day_that_had_no_stock_say_nothing():
    out = pl.col("ds") == DAY + timedelta(days=50)
    days = history(60).with_columns(demand=pl.when(~out).then("demand"))
    sums = level_judged(days, window_days=7, trailing_days=28, step_days=1)
    assert not sums.filter(pl.col("cutoff").is_between(DAY + timedelta(days=43), DAY + timedelta(days=49))).height
    assert sums.height
    judged = days.with_columns(
        cutoff=pl.lit(DAY - timedelta(days=1)), lead=(pl.col("ds") - DAY).dt.total_days() + 1, expected_units=pl.lit(8.0)
    )
    assert window_sums(judged, window_days=40).height == 3
    assert window_sums(judged, window_days=51).is_empty()
    unseen = sums.with_columns(unseen_variance=pl.col("expected") ** 2)
    assert over_dispersion(unseen, bins=1, prior_windows=0)["over_dispersion"].min() > 0.9, "what stands for unseen demand is uncertain"
    assert over_dispersion(sums.clear(), bins=3, prior_windows=4).row(0) == (None, 0.0, 0)


def test_lead_times_are_those_of_the_lane_that_brings_most():
    rows = [
        {"delivery_id": f"{origin}{n}", "delivery_type": kind, "vendor_id": "V1", "from_site_id": "DC01", "received_site_id": site,
         "goods_issue_actual_at": datetime(2026, 3, 1) + timedelta(days=3 * n), "goods_issue_planned_at": None,
         "first_received_at": datetime(2026, 3, 1) + timedelta(days=3 * n + days + n % 2)}
        for origin, kind, site, days, trips in (("a", "NL", "S1", 2, 20), ("b", "NL", "S2", 4, 20), ("c", "EL", "DC01", 9, 3))
        for n in range(trips)
    ]  # fmt: skip
    schema = dict.fromkeys(("goods_issue_actual_at", "goods_issue_planned_at", "first_received_at"), pl.Datetime)
    found = learned_lead_times(pl.DataFrame(rows, schema_overrides=schema), handling_days=1, prior_trips=0)
    assert found["site_id"].to_list() == ["DC01", "S1", "S2"]
    assert found["lane_kind"].to_list() == ["vendor", "delivery", "delivery"]
    assert found["lead_time_days"].to_list() == pytest.approx([1 + 9 + 1 / 3, 3.5, 5.5])
    assert found["lead_time_deviation_days"][1] == pytest.approx(np.std([0, 1] * 10, ddof=1))
    assert found["review_days"][1] == pytest.approx(3.0, abs=0.1)
    drawn = learned_lead_times(pl.DataFrame(rows, schema_overrides=schema), handling_days=1, prior_trips=1e9)
    assert drawn["lead_time_days"][1:].to_list() == pytest.approx([4.5, 4.5])


def test_calibration_finds_the_ratio_that_costs_least():
    rng = np.random.default_rng(7)
    rates = np.repeat([1.0, 3.0], 30)
    demand = rng.poisson(rates[:, None, None], (60, 1, 300))
    classes = ["low"] * 30 + ["high"] * 30
    # A forecast that is told to be twice as spread as it is: theory overstocks, and calibration takes it back.
    interval = negative_binomial(rates * 3, rates * 9)
    found = calibrated_shifts(
        demand, classes, lambda shift: level_of(interval, shifted(0.95, shift))[:, None, None], [-3, -2, -1, -0.5, 0, 0.5, 1],
        supply=Supply(2), tariff=Tariff(1.0, 9.0), warm_up=20,
    )  # fmt: skip
    assert (found["ratio_shift"] < 0).all()
    assert (found["cost"] < found["cost_unshifted"] * 0.9).all()
    asked = calibrated_shifts(
        demand, classes, lambda shift: level_of(interval, shifted(0.95, shift))[:, None, None], [-3, -2, -1, -0.5, 0, 0.5, 1],
        supply=Supply(2), tariff=Tariff(1.0, 9.0), warm_up=20, asked_fill=np.full(60, 0.9),
    )  # fmt: skip
    assert (asked["fill"] >= 0.9).all()
    assert (asked["fill"] < 0.97).all()
