"""Regression: the straight part of a forecast, a Poisson regression of demand on log ratios with the level as offset.

It carries on in a straight line where trees cannot (a price never seen, a Christmas higher than any before), and is where trees start
from. Fitted by scikit-learn with a ridge penalty; large series are damped by the square root of their level, as the tweedie deviance of
power 1.5 does.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["LevelRegression", "fit_regression"]

_ROUNDS = 1000
_MOST = 2.5
"""A correction of the level by more than exp(2.5) is not believed."""
_MOST_TIMES = 20.0
"""Demand beyond so many times the level is an outlier, and counts as that many."""


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
    """Fit demand y of rows with these levels on the columns of the matrix; `penalty` is worth so many rows against each coefficient.

    A Poisson regression with the logarithm of the level as offset is one of y / level with the level as weight.
    """
    from sklearn.linear_model import PoissonRegressor  # noqa: PLC0415 - a second that only learning pays

    values = np.nan_to_num(matrix[:, columns]).astype(np.float64)
    scales = np.maximum(values.std(axis=0), 1e-6)
    if not columns:
        return LevelRegression(columns, np.zeros(0), scales)
    model = PoissonRegressor(alpha=penalty / len(y), fit_intercept=False, max_iter=_ROUNDS)
    model.fit(values / scales, np.minimum(y / level, _MOST_TIMES), sample_weight=np.sqrt(level))
    return LevelRegression(columns, model.coef_, scales)
