"""Returns model: the probability that a sold unit comes back within the window.

Trees start from the rate of the cases whose outcome was known by the cut-off, and learn on these; a line through the logits,
fitted on earlier cut-offs, calibrates them. Features are in pipelines/features/returns.py; knobs in pipelines/params.yaml.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

import numpy as np
import polars as pl

from pipelines.features.returns import FEATURES
from pipelines.models.training import FittedTrees, fit
from pipelines.params import Params, ReturnsParams

__all__ = [
    "Calibration",
    "ReturnsModel",
    "backtest_returns",
    "calibration_of",
    "last_observed_day",
    "return_lags",
    "returns_cutoffs",
    "sale_probabilities",
    "score_open_cases",
    "train_returns",
]

_FEW = 200
"""Returns below which a slope is noise: then only the level is set right."""


@dataclass(frozen=True)
class Calibration:
    """Line on the logit scale: intercept + slope x logit (Platt scaling)."""

    intercept: float = 0.0
    slope: float = 1.0

    def apply(self, logit: np.ndarray) -> np.ndarray:
        """Probabilities from uncalibrated logits."""
        return 1 / (1 + np.exp(-(self.intercept + self.slope * logit)))


@dataclass(frozen=True)
class ReturnsModel:
    """Fitted trees, their calibration, and the share of returns that come by each day after the sale."""

    trees: FittedTrees
    base_rate: float
    calibration: Calibration
    lags: pl.DataFrame


def last_observed_day(rows: pl.DataFrame) -> date:
    """The day before the moment at which the cases were closed."""
    return (rows["observed_until_at"].max() - timedelta(microseconds=1)).date()


def returns_cutoffs(rows: pl.DataFrame, params: ReturnsParams) -> list[datetime]:
    """Origins of the backtest, oldest first; the sales of the newest one's test window have all matured.

    Leaves out origins before which too few cases, or too few returns, had a known outcome.
    """
    last = rows["observed_until_at"].max() - timedelta(days=params.within_days)
    origins = [last - timedelta(days=(n + 1) * params.cutoff_step_days) for n in range(params.cutoffs)]
    return sorted(origin for origin in origins if _is_enough(_matured(rows, origin), params))


def backtest_returns(rows: pl.DataFrame, params: Params) -> pl.DataFrame:
    """One row per cut-off and case sold in its test window: outcome, uncalibrated logit, and the base rate known at the cut-off."""
    judged = []
    for cutoff in returns_cutoffs(rows, params.returns):
        known = _matured(rows, cutoff)
        tested = rows.filter((pl.col("sold_at") >= cutoff) & (pl.col("sold_at") < cutoff + timedelta(days=params.returns.cutoff_step_days)))
        judged.append(
            tested.select("case_id", "article_id", "is_returned").with_columns(
                pl.lit(cutoff).alias("cutoff"),
                pl.Series("logit", _logits(_fit(known, params), known["is_returned"].mean(), tested)),
                pl.lit(known["is_returned"].mean()).alias("base_rate"),
            )
        )
    return pl.concat(judged)


def calibration_of(judged: pl.DataFrame) -> Calibration:
    """The line that makes the logits of a backtest fit its outcomes; with few returns only its intercept."""
    if judged.is_empty() or not judged["is_returned"].any():
        return Calibration()
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415 - heavy

    outcome, logit = judged["is_returned"].to_numpy(), judged["logit"].to_numpy()
    if outcome.sum() < _FEW:
        return Calibration(intercept=_level_shift(logit, outcome.mean()))
    line = LogisticRegression(C=np.inf, tol=1e-8).fit(logit[:, None], outcome)
    return Calibration(float(line.intercept_[0]), float(line.coef_[0, 0]))


def train_returns(rows: pl.DataFrame, calibration: Calibration, params: Params) -> ReturnsModel:
    """The model fitted on all cases whose outcome is known."""
    known = _matured(rows, rows["observed_until_at"].max())
    return ReturnsModel(_fit(known, params), known["is_returned"].mean(), calibration, return_lags(known, params.returns))


def return_lags(known: pl.DataFrame, params: ReturnsParams) -> pl.DataFrame:
    """One row per day after the sale, 0 to the window: the share of the window's returns that had come by then."""
    days = known.filter(pl.col("is_returned")).select((pl.col("returned_at") - pl.col("sold_at")).dt.total_days().alias("days"))
    by_day = [int((days["days"] <= day).sum()) for day in range(params.within_days + 1)]
    share = [count / max(1, by_day[-1]) for count in by_day]
    return pl.DataFrame(
        {"days_since_sale": range(params.within_days + 1), "share": share}, schema={"days_since_sale": pl.Int64, "share": pl.Float64}
    )


def score_open_cases(model: ReturnsModel, rows: pl.DataFrame, params: ReturnsParams) -> pl.DataFrame:
    """One row per case still in its window and not back: return_probability of its sale, and what remains of it.

    With p the probability at the sale and F the share of returns that come by its age, the rest is p (1 - F) / (1 - p F).
    """
    age = (pl.col("observed_until_at") - pl.col("sold_at")).dt.total_days()
    open_cases = rows.filter(pl.col("returned_at").is_null() & (age < params.within_days)).with_columns(age.alias("days_since_sale"))
    p = pl.Series("return_probability", sale_probabilities(model, open_cases), dtype=pl.Float64)
    scored = open_cases.with_columns(p).join(model.lags, on="days_since_sale", how="left", maintain_order="left")
    chance, come = pl.col("return_probability"), pl.col("share")
    return scored.with_columns((chance * (1 - come) / (1 - chance * come)).alias("remaining_probability")).drop("share")


def sale_probabilities(model: ReturnsModel, rows: pl.DataFrame) -> np.ndarray:
    """One number per sale: the probability, as known when it was made, that it comes back within the window."""
    return model.calibration.apply(_logits(model.trees, model.base_rate, rows))


def _matured(rows: pl.DataFrame, moment: datetime) -> pl.DataFrame:
    """Cases whose window had ended by a moment: taking quick returns as they come would overstate the rate."""
    return rows.filter(pl.col("window_ends_at") <= moment)


def _is_enough(known: pl.DataFrame, params: ReturnsParams) -> bool:
    return known.height >= params.minimum_training_cases and known["is_returned"].sum() >= params.minimum_training_returns


def _fit(known: pl.DataFrame, params: Params) -> FittedTrees:
    start = np.full(known.height, _logit(known["is_returned"].mean()))
    return fit(known, FEATURES, "is_returned", starting_score=start, options=params.returns.lightgbm, training=params.training)


def _logit(rate: float) -> float:
    return float(np.log(rate / (1 - rate)))


def _logits(trees: FittedTrees, base_rate: float, rows: pl.DataFrame) -> np.ndarray:
    return _logit(base_rate) + trees.raw_scores(rows) if rows.height else np.zeros(0)


def _level_shift(logit: np.ndarray, rate: float) -> float:
    """Shift of all logits that makes their mean probability equal a rate."""
    from scipy.optimize import brentq  # noqa: PLC0415 - heavy

    return float(brentq(lambda shift: (1 / (1 + np.exp(-(logit + shift)))).mean() - rate, -20, 20))
