"""Counts: the negative binomial distribution of demand by its mean and dispersion, whole and cut off.

Variance is mean + dispersion * mean^2; dispersion near 0 is Poisson. Fitting belongs in censoring.py.
"""

from __future__ import annotations

import numpy as np
from scipy.special import betainc, gammaln, xlogy

__all__ = ["SMALLEST_DISPERSION", "log_probability", "log_tail_probability", "mean_of_at_least", "moments_of_at_least"]

SMALLEST_DISPERSION = 1e-4


def mean_of_at_least(bound: np.ndarray, mean: np.ndarray, dispersion: np.ndarray | float) -> np.ndarray:
    """E[D | D >= bound]; the mean itself where the bound is 0.

    E[D; D >= k] = mean * P(D' >= k - 1), where D' has one more in its shape (the size-biased law, less 1).
    """
    shape = 1 / np.maximum(dispersion, SMALLEST_DISPERSION)
    tail = _tail(bound, mean, shape)
    biased = _tail(bound - 1, mean * (shape + 1) / shape, shape + 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        found = mean * biased / tail
    # Sales that the mean makes all but impossible are known all the same.
    return np.where(bound <= 0, mean, np.maximum(np.nan_to_num(found, nan=0.0, posinf=0.0), bound))


def moments_of_at_least(bound: np.ndarray, mean: np.ndarray, dispersion: float) -> tuple[np.ndarray, np.ndarray]:
    """E[D | D >= bound] and Var[D | D >= bound].

    E[D (D - 1); D >= k] = mean^2 (1 + dispersion) * P(D'' >= k - 2), where D'' has two more in its shape.
    """
    expected = mean_of_at_least(bound, mean, dispersion)
    shape = 1 / np.maximum(dispersion, SMALLEST_DISPERSION)
    tail = _tail(bound, mean, shape)
    pairs = np.square(mean) * (shape + 1) / shape
    with np.errstate(divide="ignore", invalid="ignore"):
        factorial = pairs * _tail(bound - 2, mean * (shape + 2) / shape, shape + 2) / tail
    return expected, np.maximum(np.nan_to_num(factorial, nan=0.0, posinf=0.0) + expected - np.square(expected), 0.0)


def log_probability(count: np.ndarray, mean: np.ndarray, dispersion: np.ndarray | float) -> np.ndarray:
    """log P(D = count)."""
    shape = 1 / np.maximum(dispersion, SMALLEST_DISPERSION)
    ways = gammaln(count + shape) - gammaln(shape) - gammaln(count + 1)
    return ways + xlogy(count, mean / (shape + mean)) - shape * np.log1p(mean / shape)


def log_tail_probability(bound: np.ndarray, mean: np.ndarray, dispersion: np.ndarray | float) -> np.ndarray:
    """log P(D >= bound)."""
    shape = 1 / np.maximum(dispersion, SMALLEST_DISPERSION)
    return np.log(np.maximum(_tail(bound, mean, shape), 1e-300))


def _tail(bound: np.ndarray, mean: np.ndarray, shape: np.ndarray | float) -> np.ndarray:
    known = np.maximum(bound, 1e-9)
    return np.where(bound <= 0, 1.0, betainc(known, shape, mean / (shape + mean)))
