"""Spread: quantiles of sums from the quantiles of what is summed.

Sums over series (reconciliation.py) and over days (weeks.py) both need them: a sum's quantile is not the sum of quantiles, which would be
too wide unless all errors moved together. Where a quantile of one forecast comes from does not belong here.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import polars as pl
from scipy import sparse
from scipy.special import gammaincinv, ndtri

__all__ = ["error_correlation", "quantile_columns", "quantile_level", "quantiles_of_sums"]

_QUANTILE = re.compile(r"units_p(\d{2})")


def quantile_columns(names: Sequence[str]) -> list[str]:
    """Those of the names that are quantiles (units_p10), lowest first."""
    return sorted(name for name in names if _QUANTILE.fullmatch(name))


def quantile_level(name: str) -> float:
    """0.1 for units_p10."""
    return int(_QUANTILE.fullmatch(name).group(1)) / 100


def quantiles_of_sums(
    names: Sequence[str], means: np.ndarray, quantiles: np.ndarray, summing: sparse.csr_matrix, correlation: float
) -> np.ndarray:
    """Quantiles by [quantile, sum, period] of sums of parts, from means by [part, period] and quantiles by [quantile, part, period].

    Each part's standard deviation is the slope of its quantiles over those of a normal distribution, at least that of a Poisson count;
    errors of parts correlate by `correlation` (0 none, 1 all move together); the sum is taken as gamma with that mean and variance.
    """
    levels = np.array([quantile_level(name) for name in names])
    deviation = _deviations(levels, means, quantiles)
    variance = correlation * np.square(summing @ deviation) + (1 - correlation) * (summing @ np.square(deviation))
    total = summing @ means
    with np.errstate(divide="ignore", invalid="ignore"):
        shape, scale = np.square(total) / variance, variance / total
        found = gammaincinv(shape[None], levels[:, None, None]) * scale[None]
    return np.where(total > 0, np.nan_to_num(found), 0.0)


def error_correlation(judged: pl.DataFrame, together: Sequence[str]) -> float:
    """How much the errors of forecasts that are summed move together, from 0 (not at all) to 1, rounded to four digits.

    `judged` holds forecasts with y; rows that `together` has in common (cut-off and ds: the series of a day; cut-off and unique_id: the
    days of a series) are what is summed. By the method of moments: E[(sum of e)^2] = sum of s^2 + rho ((sum of s)^2 - sum of s^2), with
    the deviations s of quantiles_of_sums. An error common to all, such as a bias, counts as moving together: a sum misses by it.
    """
    names = quantile_columns(judged.columns)
    known = judged.filter(pl.col("y").is_not_null())
    if known.is_empty() or not names:
        return 0.0
    levels = np.array([quantile_level(name) for name in names])
    deviation = _deviations(levels, known["expected_units"].to_numpy(), known.select(names).to_numpy().T)
    rows = known.select(*together, error=pl.col("y") - pl.col("expected_units")).with_columns(deviation=pl.Series(deviation))
    squared = pl.col("deviation").pow(2).sum()
    room = pl.col("deviation").sum().pow(2) - squared
    sums = rows.group_by(together).agg(excess=pl.col("error").sum().pow(2) - squared, room=room)
    if sums["room"].sum() <= 0:
        return 0.0
    return round(float(np.clip(sums["excess"].sum() / sums["room"].sum(), 0.0, 1.0)), 4)


def _deviations(levels: np.ndarray, means: np.ndarray, quantiles: np.ndarray) -> np.ndarray:
    """Standard deviations: the slope of the quantiles [quantile, ...] over those of a normal distribution, at least a Poisson count's."""
    normal = ndtri(levels)
    steepness = np.maximum(np.square(normal).sum(), 1e-12)
    return np.maximum(np.tensordot(normal, quantiles - means, axes=1) / steepness, np.sqrt(np.maximum(means, 0.0)))
