"""Regression: the straight part of a forecast, a Poisson regression of demand on log ratios with the level as offset.

It carries on in a straight line where trees cannot (a price never seen, a Christmas higher than any before), and is where trees start
from. Fitted by iteratively reweighted least squares with a ridge penalty (McCullagh and Nelder 1989, section 2.5); large series are
damped by the square root of their mean, as the tweedie deviance of power 1.5 does.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["LevelRegression", "fit_regression"]

_ROUNDS = 8
_MOST = 2.5
"""A correction of the level by more than exp(2.5) is not believed."""


@dataclass(frozen=True)
class LevelRegression:
    """Coefficients of the standardised columns; a row without information gets the level alone."""

    columns: list[int]
    coefficients: np.ndarray
    scales: np.ndarray

    def parts(self, matrix: np.ndarray) -> np.ndarray:
        """What each column raises the logarithm of the level by, per row."""
        return np.nan_to_num(matrix[:, self.columns]) / self.scales * self.coefficients

    def correction(self, matrix: np.ndarray) -> np.ndarray:
        """What the logarithm of the level is to be raised by, per row."""
        return np.clip(self.parts(matrix).sum(axis=1), -_MOST, _MOST)


def fit_regression(matrix: np.ndarray, columns: list[int], y: np.ndarray, level: np.ndarray, penalty: float = 100.0) -> LevelRegression:
    """Fit demand y of rows with these levels on the columns of the matrix; `penalty` is worth so many rows against each coefficient."""
    values = np.nan_to_num(matrix[:, columns]).astype(np.float64)
    scales = np.maximum(values.std(axis=0), 1e-6)
    values = values / scales
    coefficients = np.zeros(len(columns))
    damping = 1.0 / np.sqrt(level)
    # The penalty grows with the mean weight of a row, so that it is the same for panels of small and of large numbers.
    for _ in range(_ROUNDS):
        linear = np.clip(values @ coefficients, -_MOST, _MOST)
        mean = level * np.exp(linear)
        weights = damping * mean
        working = linear + np.clip((y - mean) / mean, -1, 20)
        ridge = penalty * weights.mean()
        gram = values.T @ (values * weights[:, None]) + ridge * np.eye(len(columns))
        step = np.linalg.solve(gram, values.T @ (weights * working)) - coefficients
        coefficients = coefficients + step
        if np.abs(step).max(initial=0) < 1e-4:
            break
    return LevelRegression(columns, coefficients, scales)
