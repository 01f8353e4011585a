"""Weeks: daily forecasts and weekly ones that agree.

A week starts on Monday. What adds up across series is in reconciliation.py; weeks of coherent days are coherent, for sums commute.
"""

from __future__ import annotations

import numpy as np
import polars as pl
from scipy import sparse

from pipelines.forecasting.spread import quantile_columns, quantiles_of_sums

__all__ = ["days_agreeing_with_weeks", "weekly_forecasts"]


def weekly_forecasts(daily: pl.DataFrame, *, correlation: float = 0.0) -> pl.DataFrame:
    """One row per series (cut-off, level) and week: ds (its Monday), forecast_days, expected_units, quantiles.

    expected_units are the sums of the days', of which there are 7 unless the horizon cuts the week; errors of days correlate by
    `correlation`.
    """
    keys = [*_series_keys(daily), "ds"]
    days = daily.sort(keys).with_columns(pl.col("ds").cast(pl.Date).dt.truncate("1w"))
    weeks = days.group_by(keys, maintain_order=True).agg(pl.len().alias("forecast_days"), pl.col("expected_units").sum())
    names = quantile_columns(daily.columns)
    if not names:
        return weeks
    row = np.repeat(np.arange(weeks.height), weeks["forecast_days"].to_numpy())
    summing = sparse.csr_matrix((np.ones(days.height), (row, np.arange(days.height))), shape=(weeks.height, days.height))
    quantiles = days.select(names).to_numpy().T[:, :, None]
    found = quantiles_of_sums(names, days.select("expected_units").to_numpy(), quantiles, summing, correlation)
    return weeks.with_columns(pl.Series(name, values) for name, values in zip(names, found[:, :, 0], strict=True))


def days_agreeing_with_weeks(daily: pl.DataFrame, weekly: pl.DataFrame) -> pl.DataFrame:
    """The daily forecasts, scaled so that each whole week's days add up to the mean of their sum and the weekly forecast.

    That mean is MinTrace with structural weights for one week above its days. Weeks without a forecast, and those that the horizon cuts,
    stay as they are. Quantiles are scaled alike.
    """
    keys = [*_series_keys(daily), "week"]
    days = daily.with_columns(pl.col("ds").cast(pl.Date).dt.truncate("1w").alias("week"))
    asked = weekly.select(*_series_keys(daily), pl.col("ds").alias("week"), pl.col("expected_units").alias("week_units"))
    total = pl.col("expected_units").sum().over(keys)
    agreed = (total + pl.col("week_units")) / (2 * total)
    whole = (pl.len().over(keys) == 7) & (total > 0) & pl.col("week_units").is_not_null()
    factor = pl.when(whole).then(agreed).otherwise(1.0)
    scaled = days.join(asked, on=keys, how="left", maintain_order="left").with_columns(factor.alias("factor"))
    columns = ["expected_units", *quantile_columns(daily.columns)]
    return scaled.with_columns(pl.col(name) * pl.col("factor") for name in columns).select(daily.columns)


def _series_keys(daily: pl.DataFrame) -> list[str]:
    return [key for key in ("level", "unique_id", "cutoff") if key in daily.columns]
