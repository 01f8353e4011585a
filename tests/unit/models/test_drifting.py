"""Drifting: bias is looked for in judged forecasts, changed inputs in the days since the champion was trained."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl

from pipelines.models.drifting import DRIFT_CHECKS, drift_of
from pipelines.models.plots import accuracy_plot
from pipelines.params import read_params

PARAMS = read_params()
BIAS, INPUTS, VOLUME = DRIFT_CHECKS
FIRST, TRAINED, LAST = date(2026, 3, 2), date(2026, 6, 1), date(2026, 6, 20)


def panel(changed_price: float = 1.0, silent_site: str = "") -> pl.DataFrame:
    rng = np.random.default_rng(3)
    days = pl.DataFrame({"ds": pl.date_range(FIRST, LAST, eager=True)})
    series = pl.DataFrame({"article_id": [f"A{n}" for n in range(20)], "price": 100.0 + np.arange(20)})
    rows = series.join(pl.DataFrame({"site_id": ["S1", "S2"]}), how="cross").join(days, how="cross")
    late = pl.col("ds") > TRAINED
    y = pl.Series(rng.poisson(2.0, rows.height), dtype=pl.Float64)
    return rows.with_columns(
        y=pl.when(late & (pl.col("site_id") == silent_site)).then(0.0).otherwise(y),
        price=pl.col("price") * pl.when(late).then(changed_price).otherwise(1.0),
        is_stock_out=pl.lit(False),
    )


def forecasts(factor: float) -> pl.DataFrame:
    return panel().select(
        "ds",
        "y",
        "is_stock_out",
        unique_id=pl.concat_str("article_id", "site_id"),
        segment=pl.lit("smooth/mature"),
        expected_units=2.0 * factor,
    )


def drifting(found: pl.DataFrame) -> list[tuple[str, str]]:
    return found.filter("is_drifting").select("measure", "subject").rows()


def test_what_goes_on_as_before_does_not_drift():
    found = drift_of(forecasts(1.0), panel(), trained_as_of=TRAINED, params=PARAMS)
    assert {name: drifting(verdicts) for name, verdicts in found.items()} == {BIAS: [], INPUTS: [], VOLUME: []}
    assert all(verdicts.height for verdicts in found.values())


def test_a_bias_a_changed_price_and_a_silent_site_are_seen():
    found = drift_of(forecasts(0.7), panel(1.5, silent_site="S2"), trained_as_of=TRAINED, params=PARAMS)
    assert {measure for measure, _ in drifting(found[BIAS])} == {"expected_over_observed", "tracking_signal"}
    assert ("psi", "price") in drifting(found[INPUTS])
    assert drifting(found[VOLUME]) == [("data_volume", "S2")]


def test_without_a_champion_or_days_since_there_is_nothing_to_compare():
    none = forecasts(1.0).clear()
    for trained in (None, LAST, LAST - timedelta(days=2)):
        assert all(verdicts.is_empty() for verdicts in drift_of(none, panel(), trained_as_of=trained, params=PARAMS).values())
    assert all(v.is_empty() for v in drift_of(none, panel().clear(), trained_as_of=TRAINED, params=PARAMS).values())


def test_accuracy_over_time_is_drawn():
    rows = pl.DataFrame(
        {
            "forecast_date": [FIRST, FIRST + timedelta(days=7)] * 2,
            "segment": ["all", "all", "lumpy/new", "lumpy/new"],
            "absolute_error_units": [2.0, 1.0, 1.0, 0.0],
            "units_demanded": [4.0, 4.0, 2.0, 0.0],
        }
    )
    assert accuracy_plot(rows).startswith(b"\x89PNG")
