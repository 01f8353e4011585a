"""Metrics: how far forecasts and probabilities were off, each beside its baseline.

One function per kind of model; the formulas are those of utilsforecast and scikit-learn. Deciding what is good enough
belongs to pipelines/models/promotion.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

__all__ = ["Metric", "coverage", "forecast_metrics", "held", "log_loss", "probability_metrics"]


@dataclass(frozen=True)
class Metric:
    """One figure of a model and of its baseline on the same held-back rows; `is_loss`: smaller is better."""

    name: str
    value: float
    baseline: float | None = None
    is_loss: bool = True


def forecast_metrics(judged: pl.DataFrame, quantiles: dict[str, float]) -> list[Metric]:
    """WAPE and bias of expected_units against seasonal_naive; weighted quantile loss of the quantile columns.

    `judged` holds y, expected_units, seasonal_naive and the quantile columns by name and level. WAPE = sum of absolute
    errors / sum of y; bias = sum of errors / sum of y; the quantile loss is the mean over quantiles of twice the pinball
    loss over the sum of y, that of a baseline without quantiles its WAPE.
    """
    from utilsforecast.losses import nd, quantile_loss  # noqa: PLC0415 - pulls in pandas

    frame = judged.select(pl.lit("all").alias("unique_id"), "y", "expected_units", "seasonal_naive", *quantiles)
    wape = nd(frame, ["expected_units", "seasonal_naive"]).row(0, named=True)
    total = frame["y"].sum()
    bias = {name: (frame[name].sum() - total) / total for name in ("expected_units", "seasonal_naive")}
    pinball = [quantile_loss(frame, {"quantile": name}, q=q)["quantile"].item() for name, q in quantiles.items()]
    return [
        Metric("wape", wape["expected_units"], wape["seasonal_naive"]),
        Metric("weighted_quantile_loss", 2 * float(np.mean(pinball)) * frame.height / total, wape["seasonal_naive"]),
        Metric("bias", bias["expected_units"], bias["seasonal_naive"], is_loss=False),
    ]


def held(judged: pl.DataFrame, name: str, quantiles: Iterable[str]) -> pl.Expr:
    """Whether a day's demand y stayed at or below its quantile of this name.

    Where quantiles come in whole units so does demand, and what is expected of a day that ran out lies between two units: the lower counts.
    """
    is_whole = judged.select(pl.all_horizontal((pl.col(each) % 1 == 0).all() for each in quantiles)).item()
    return (pl.col("y").floor() if is_whole else pl.col("y")) <= pl.col(name)


def coverage(judged: pl.DataFrame, quantiles: dict[str, float]) -> pl.DataFrame:
    """One row per quantile: the share asked for, and the share of days that stayed at or below it."""
    below = judged.select(held(judged, name, quantiles).mean().alias(name) for name in quantiles).row(0)
    return pl.DataFrame({"nominal": list(quantiles.values()), "observed": below})


def log_loss(probability: str) -> pl.Expr:
    """Log loss of each row's `is_returned` under the probability in this column."""
    p = pl.col(probability).clip(1e-15, 1 - 1e-15)
    return -pl.when(pl.col("is_returned")).then(p.log()).otherwise((1 - p).log())


def probability_metrics(outcome: Sequence[bool], probability: np.ndarray, base_rate: np.ndarray) -> list[Metric]:
    """Log loss, Brier score, average precision and AUC of a probability, against the base rate known at the time."""
    from sklearn import metrics  # noqa: PLC0415 - heavy

    actual = np.asarray(outcome, dtype=int)
    return [
        Metric("log_loss", metrics.log_loss(actual, probability, labels=[0, 1]), metrics.log_loss(actual, base_rate, labels=[0, 1])),
        Metric("brier_score", metrics.brier_score_loss(actual, probability), metrics.brier_score_loss(actual, base_rate)),
        Metric("average_precision", metrics.average_precision_score(actual, probability), float(actual.mean()), is_loss=False),
        Metric("auc", metrics.roc_auc_score(actual, probability), 0.5, is_loss=False),
        Metric("expected_over_observed", float(probability.sum() / actual.sum()), float(base_rate.sum() / actual.sum()), is_loss=False),
    ]
