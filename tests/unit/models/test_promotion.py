"""Promotion: a challenger takes the champion's place only where nights that both forecast say so beyond chance."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from pipelines.contracts import published_contracts
from pipelines.lake import Lake
from pipelines.models.intervals import drawn_ratios, segment_losses
from pipelines.models.memory import quantile_levels, recall, remember
from pipelines.models.pairs import paired_losses, uncovered
from pipelines.models.promotion import Trial, judge_trial
from pipelines.params import read_params

PARAMS = read_params().promotion
CONTRACT = published_contracts()["demand_forecasts"]
FIRST = date(2026, 3, 2)
SERIES = 40


def world(champion_error: float, challenger_error: float, *, days: int = 30, nights: int = 14, spread: float = 1.3, seed: int = 1):
    """Forecasts of both models on each night, and what came: errors are factors on the true mean."""
    rng = np.random.default_rng(seed)
    mean = rng.uniform(2, 9, SERIES)
    day = np.arange(days)
    y = rng.poisson(mean[:, None], (SERIES, days)).astype(float)
    series, ds = np.meshgrid(np.arange(SERIES), day, indexing="ij")
    actual = pl.DataFrame(
        {
            "unique_id": [f"A{s:02d}/S1" for s in series.ravel()],
            "ds": [FIRST + timedelta(days=int(d)) for d in ds.ravel()],
            "y": y.ravel(),
            "is_stock_out": np.zeros(y.size, dtype=bool),
            "demand": y.ravel(),
        }
    )
    frames = []
    for name, error in (("old", champion_error), ("new", challenger_error)):
        s, night, lead = (a.ravel() for a in np.meshgrid(np.arange(SERIES), np.arange(nights), np.arange(1, 11), indexing="ij"))
        expected = mean[s] * error
        frames.append(
            pl.DataFrame(
                {
                    "unique_id": [f"A{n:02d}/S1" for n in s],
                    "cutoff": [FIRST + timedelta(days=int(n)) for n in night],
                    "ds": [FIRST + timedelta(days=int(n + k)) for n, k in zip(night, lead, strict=True)],
                    "lead": lead.astype(np.int32),
                    "expected_units": expected,
                    "units_p50": mean[s],
                    "units_p90": mean[s] + spread * np.sqrt(mean[s]) + 0.5,
                    "model_version": name,
                    "segment": np.where(s % 2 == 0, "smooth/mature", "lumpy/mature"),
                }
            )
        )
    return pl.concat(frames), actual


def verdict(remembered: pl.DataFrame, actual: pl.DataFrame, tolerance: float = 0.1):
    pairs = paired_losses(remembered, actual, champion="old", challenger="new", params=PARAMS)
    faults = uncovered(pairs, {"units_p50": 0.5, "units_p90": 0.9}, tolerance)
    return judge_trial(Trial(pairs, PARAMS.nights, faults), PARAMS, seed=1)


def test_a_better_challenger_wins():
    told = verdict(*world(1.6, 1.0))
    assert told.is_won
    assert told.loss_difference < told.upper_bound < 0
    assert told.nights == PARAMS.nights


def test_an_equal_challenger_does_not_win():
    told = verdict(*world(1.0, 1.001))
    assert told.is_won is False
    assert "not better beyond chance" in told.reason


def test_a_challenger_that_is_worse_in_one_segment_does_not_win():
    remembered, actual = world(1.8, 1.0)
    bad = (pl.col("model_version") == "new") & (pl.col("segment") == "lumpy/mature")
    spoilt = remembered.with_columns(expected_units=pl.when(bad).then(pl.col("expected_units") * 1.95).otherwise("expected_units"))
    told = verdict(spoilt, actual)
    assert told.is_won is False
    assert "worse in segment lumpy/mature" in told.reason


def test_a_challenger_whose_quantiles_do_not_hold_does_not_win():
    told = verdict(*world(1.6, 1.0, spread=0.2))
    assert told.is_won is False
    assert "quantile 0.9 held" in told.reason


def test_a_trial_goes_on_until_enough_nights_have_matured():
    remembered, actual = world(1.6, 1.0)
    early = actual.filter(pl.col("ds") < FIRST + timedelta(days=PARAMS.lead_time_days + PARAMS.nights - 1))
    told = verdict(remembered, early)
    assert told.is_won is None
    assert told.reason == f"{PARAMS.nights - 1} of {PARAMS.nights} nights have matured"
    assert verdict(remembered, actual.with_columns(demand=pl.lit(None, pl.Float64))).nights == 0


def test_only_the_last_nights_and_near_days_with_known_demand_count():
    remembered, actual = world(1.6, 1.0)
    out = actual.with_columns(demand=pl.when(pl.col("unique_id") != "A00/S1").then("demand"))
    pairs = paired_losses(remembered, out, champion="old", challenger="new", params=PARAMS)
    assert pairs["cutoff"].n_unique() == PARAMS.nights
    assert pairs["cutoff"].max() == FIRST + timedelta(days=13)
    assert pairs["lead"].max() == PARAMS.lead_time_days
    assert "A00/S1" not in pairs["unique_id"].unique()
    assert paired_losses(remembered.sample(fraction=1, shuffle=True, seed=3), out, champion="old", challenger="new", params=PARAMS)[
        "champion_loss"
    ].sum() == pytest.approx(pairs["champion_loss"].sum())


def test_the_interval_of_a_ratio_covers_it_as_often_as_asked():
    rng = np.random.default_rng(5)
    held = []
    for trial in range(200):
        weight = rng.gamma(2.0, 1.0, 60)
        losses = pl.DataFrame(
            {"block": np.arange(60), "segment": "all", "loss": weight * rng.gamma(4, 0.1, 60), "baseline_loss": weight, "weight": weight}
        )
        found = segment_losses(losses, draws=299, confidence_level=0.95, seed=trial).row(0, named=True)
        held.append(found["loss_low"] <= 0.4 <= found["loss_high"])
    assert 0.88 <= np.mean(held) <= 0.99


def test_ratios_are_drawn_alike_whatever_fits_into_memory():
    numbers = np.arange(1.0, 9.0)
    drawn = drawn_ratios(numbers, numbers * 2, draws=20, seed=1)
    assert drawn == pytest.approx(np.full(20, 0.5))


def scored(night: date, version: str, expected: float = 2.0) -> pl.DataFrame:
    rows = {
        "article_id": "A", "site_id": "S1", "forecast_date": [night + timedelta(days=n) for n in (1, 2)], "lead_time_days": [1, 2],
        "expected_units": expected, "model_name": "trees", "segment": "smooth/mature", "fallback_reason": None, "model_version": version,
        "features_as_of_date": night, "scored_at": datetime(2026, 4, 1), **dict.fromkeys(quantile_levels(CONTRACT.polars_schema), 1.0),
    }  # fmt: skip
    return pl.DataFrame(rows).select(pl.col(name).cast(kind) for name, kind in CONTRACT.polars_schema.items() if name in rows)


def test_what_was_said_first_of_a_night_stands(home):
    lake = Lake(home.lake)
    night = date(2026, 3, 5)
    assert remember(lake, CONTRACT, scored(night, "v1"), "champion")
    assert not remember(lake, CONTRACT, scored(night, "v1", expected=9.0), "champion")
    assert remember(lake, CONTRACT, scored(night, "v2"), "challenger")
    assert remember(lake, CONTRACT, scored(night + timedelta(days=1), "v1"), "champion")
    found = recall(lake, CONTRACT, first=date(2026, 3, 7), last=date(2026, 3, 7), horizon_days=28)
    said = found.sort("cutoff", "model_version").select("cutoff", "lead", "model_version", "alias_name", "expected_units")
    assert said.rows() == [
        (night, 2, "v1", "champion", 2.0),
        (night, 2, "v2", "challenger", 2.0),
        (date(2026, 3, 6), 1, "v1", "champion", 2.0),
    ]
    assert found["unique_id"].unique().to_list() == ["A/S1"]
