"""Spread: quantiles of sums from the quantiles of what is summed.

Sums over series (reconciliation.py) and over days (weeks.py) both need them: a sum's quantile is not the sum of quantiles, which would be
too wide unless all errors moved together. Where a quantile of one forecast comes from does not belong here.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from scipy import sparse
from scipy.special import gammaincinv, ndtri

__all__ = ["quantile_columns", "quantile_level", "quantiles_of_sums"]

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
    normal = ndtri(levels)
    steepness = np.maximum(np.square(normal).sum(), 1e-12)
    deviation = np.maximum(np.tensordot(normal, quantiles - means, axes=1) / steepness, np.sqrt(np.maximum(means, 0.0)))
    variance = correlation * np.square(summing @ deviation) + (1 - correlation) * (summing @ np.square(deviation))
    total = summing @ means
    with np.errstate(divide="ignore", invalid="ignore"):
        shape, scale = np.square(total) / variance, variance / total
        found = gammaincinv(shape[None], levels[:, None, None]) * scale[None]
    return np.where(total > 0, np.nan_to_num(found), 0.0)
