"""Drifting: which of the measures of drift are taken of our own demand, and on which days.

Choosing the days and columns belongs here; the measures are in pipelines/forecasting/drift.py, their limits in params.yaml.
"""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl

from pipelines.forecasting.drift import data_volume, expected_over_observed, feature_drift, tracking_signal
from pipelines.lake import Lake
from pipelines.models.accuracy import ACCURACY
from pipelines.params import Params

__all__ = ["DRIFT_CHECKS", "drift_of", "recent_forecasts"]

DRIFT_CHECKS = {
    "forecasts_are_not_biased": "Expected and observed units agree, or errors do not add up, in all and by segment.",
    "inputs_are_as_they_were": "What forecasts read is spread as on the days that the champion learned from (PSI, KS, unseen values).",
    "sites_send_as_much_as_before": "Series with sales a day, by site, are as many as on the days that the champion learned from.",
}
"""Checks by name, with what they promise."""

_JUDGED_BUCKET = "2-7"
_VERDICTS = {
    **dict.fromkeys(("measure", "subject", "text"), pl.String),
    **dict.fromkeys(("value", "limit"), pl.Float64),
    "is_drifting": pl.Boolean,
}
_INPUTS = ("y", "is_stock_out", "campaign_discount_pct", "price", "merchandise_category_code", "region_code")


def recent_forecasts(lake: Lake, last: date, params: Params) -> pl.DataFrame:
    """Judged forecasts of the newest matured days, made two to seven days ahead: unique_id, ds, y (demand), expected_units, ..."""
    rows = lake.read(f"gold/{ACCURACY}", between=("forecast_date", last - timedelta(days=params.accuracy.reach_days), last))
    newest = rows["forecast_date"].max()
    if newest is None:
        return _named(rows)
    since = newest - timedelta(days=params.accuracy.recent_days)
    return _named(rows.filter((pl.col("lead_bucket_code") == _JUDGED_BUCKET) & (pl.col("forecast_date") > since)))


def _named(rows: pl.DataFrame) -> pl.DataFrame:
    judged = rows.filter(pl.col("absolute_error_units").is_not_null()).drop("is_stock_out")
    return judged.with_columns(unique_id=pl.concat_str("article_id", "site_id", separator="/")).rename(
        {"forecast_date": "ds", "units_demanded": "y"}
    )


def drift_of(forecasts: pl.DataFrame, panel: pl.DataFrame, *, trained_as_of: date | None, params: Params) -> dict[str, pl.DataFrame]:
    """Verdicts by check. Without judged forecasts, or without days that the champion has not learned from, there are none."""
    bias, inputs, volume = DRIFT_CHECKS
    found = dict.fromkeys(DRIFT_CHECKS, pl.DataFrame(schema=_VERDICTS))
    if forecasts.height:
        found[bias] = _biased(
            pl.concat([measure(forecasts, "segment", params.drift) for measure in (expected_over_observed, tracking_signal)])
        )
    if trained_as_of is None:
        return found
    since = panel["ds"].max() - timedelta(days=params.accuracy.recent_days) if panel.height else trained_as_of
    now = panel.filter((pl.col("ds") > trained_as_of) & (pl.col("ds") > since))
    before = panel.filter((pl.col("ds") <= trained_as_of) & (pl.col("ds") > trained_as_of - timedelta(days=params.accuracy.reference_days)))
    # A few days are no sample: weekdays alone would make them differ.
    if before.is_empty() or now["ds"].n_unique() < params.accuracy.least_days:
        return found
    features = [name for name in _INPUTS if name in panel.columns]
    found[inputs] = feature_drift(before, now, features, params.drift)
    found[volume] = data_volume(before.filter(pl.col("y") > 0), now.filter(pl.col("y") > 0), "site_id", params.drift)
    return found


def _biased(verdicts: pl.DataFrame) -> pl.DataFrame:
    """The verdicts, drifting where both measures of a subject do.

    Each alone cries wolf: demand spreads wider than Poisson's, and over four weeks chance alone takes a tracking signal beyond 4
    every other time (its spread is 1.25 times the root of the periods).
    """
    return verdicts.with_columns(is_drifting=pl.col("is_drifting").all().over("subject"))
