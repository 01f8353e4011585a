"""Training: LightGBM behind two verbs, fit and predict, in a way that repeats itself exactly.

Nothing else imports lightgbm. What is learned, and from which rows, is not decided here (pipelines/models/demand.py, returns.py).
The options that make LightGBM deterministic: https://lightgbm.readthedocs.io/en/stable/Parameters.html#deterministic
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from pipelines.params import TrainingParams

__all__ = ["FittedTrees", "fit", "learner_version"]


@dataclass(frozen=True)
class FittedTrees:
    """A fitted model as LightGBM's text, which holds all of it."""

    text: str
    features: Sequence[str]

    def raw_scores(self, matrix: pl.DataFrame) -> np.ndarray:
        """One number per row on the scale of the link (log or logit), without the starting score."""
        return self._booster().predict(_values(matrix, self.features), raw_score=True)

    def importance(self) -> pl.DataFrame:
        """One row per feature: share of the total gain of its splits, largest first."""
        gain = self._booster().feature_importance("gain")
        share = gain / gain.sum() if gain.sum() else gain
        return pl.DataFrame({"feature": list(self.features), "gain_share": share}).sort("gain_share", "feature", descending=[True, False])

    def _booster(self):
        import lightgbm  # noqa: PLC0415 - three seconds that only training and scoring pay

        return lightgbm.Booster(model_str=self.text)


def fit(
    matrix: pl.DataFrame,
    features: Sequence[str],
    target: str,
    *,
    starting_score: np.ndarray,
    options: Mapping[str, Any],
    training: TrainingParams,
) -> FittedTrees:
    """Fit trees on the rows of the matrix, from a starting score per row on the scale of the link.

    The same rows in the same order, options, seed and number of threads give the same text.
    """
    import lightgbm  # noqa: PLC0415 - see above

    values = lightgbm.Dataset(
        _values(matrix, features),
        label=matrix[target].to_numpy().astype(np.float64),
        init_score=starting_score,
        feature_name=list(features),
        params={"verbosity": -1, "max_bin": options["max_bin"], "seed": training.seed},
    )
    fixed = {
        "seed": training.seed,
        "num_threads": training.threads,
        "deterministic": True,
        "force_row_wise": True,
        "verbosity": -1,
        "boost_from_average": False,
    }
    booster = lightgbm.train({**options, **fixed}, values)
    return FittedTrees(booster.model_to_string(), tuple(features))


def learner_version() -> str:
    """Name and version of the library."""
    import lightgbm  # noqa: PLC0415 - see above

    return f"lightgbm {lightgbm.__version__}"


def _values(matrix: pl.DataFrame, features: Sequence[str]) -> np.ndarray:
    return matrix.select(pl.col(name).cast(pl.Float32) for name in features).to_numpy()
