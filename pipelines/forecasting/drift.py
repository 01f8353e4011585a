"""Drift: whether what comes in, and what comes of it, is still what a model was made for.

Two frames in, one frame of verdicts out: measure, subject, value, limit, is_drifting, text. What follows from a verdict (an asset check, a
fall-back) is decided elsewhere; limits are in params.yaml. The measures: population stability index (Siddiqi 2006, Credit Risk
Scorecards), Kolmogorov-Smirnov distance, categories never seen, expected over observed with Poisson limits, tracking signal (Trigg
1964, Operational Research Quarterly 15), volume of data.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl
import polars.selectors as cs

from pipelines.params import DriftParams, read_params

__all__ = ["data_volume", "demand_drift", "expected_over_observed", "feature_drift", "tracking_signal"]

_SCHEMA = {
    "measure": pl.String,
    "subject": pl.String,
    "value": pl.Float64,
    "limit": pl.Float64,
    "is_drifting": pl.Boolean,
    "text": pl.String,
}
_LEAST_SHARE = 1e-4
"""An empty bin counts as this share, so that one row in it is not infinitely surprising."""


def feature_drift(
    reference: pl.DataFrame, current: pl.DataFrame, features: Sequence[str] | None = None, limits: DriftParams | None = None
) -> pl.DataFrame:
    """PSI and KS distance of numbers, PSI and share of unseen values of texts: verdicts, a row per measure and feature.

    Numbers fall into bins of equal shares of the reference (at most `bins`), a missing value into one of its own. `features` defaults to
    all columns of both frames.
    """
    limits = limits or read_params().drift
    asked = [name for name in (features or reference.columns) if name in reference.columns and name in current.columns]
    numbers = [name for name in asked if name in reference.select(cs.numeric() | cs.boolean()).columns]
    texts = [name for name in asked if name not in numbers]
    verdicts = [verdict for name in numbers for verdict in _number_verdicts(name, reference[name], current[name], limits)]
    verdicts += [verdict for name in texts for verdict in _text_verdicts(name, reference[name], current[name], limits)]
    return _frame(verdicts)


def expected_over_observed(judged: pl.DataFrame, by: str | None = None, limits: DriftParams | None = None) -> pl.DataFrame:
    """Expected over observed units, in all and by `by`; drifts where observed lies beyond `poisson_sigmas` of a Poisson count.

    value is the distance in such sigmas, (observed - expected) / sqrt(expected). Censored periods (is_stock_out) are left out.
    """
    limits = limits or read_params().drift
    found = _by_subject(_uncensored(judged), by, pl.col("y").sum(), pl.col("expected_units").sum())
    sigmas = (pl.col("y") - pl.col("expected_units")) / pl.col("expected_units").clip(lower_bound=1e-9).sqrt()
    ratio = pl.when(pl.col("y") > 0).then(pl.col("expected_units") / pl.col("y"))
    told = pl.format(
        "expected {} units, {} came: {} times as many expected",
        pl.col("expected_units").round(1), pl.col("y").round(1), ratio.round(2).cast(pl.String).fill_null("infinitely"),
    )  # fmt: skip
    return _verdicts(found, "expected_over_observed", sigmas, limits.poisson_sigmas, told)


def tracking_signal(judged: pl.DataFrame, by: str | None = None, limits: DriftParams | None = None) -> pl.DataFrame:
    """Sum of errors over their mean absolute size, of the totals per period, in all and by `by`; beyond 4 the bias is not chance.

    An error is y less expected_units of a period (ds) over all series, so that slow movers' zeros do not hide a bias. Positive: more came
    than was expected.
    """
    limits = limits or read_params().drift
    groups = [by] if by else []
    periods = _uncensored(judged).group_by(*groups, "ds").agg((pl.col("y") - pl.col("expected_units")).sum().alias("error"))
    found = _by_subject(periods, by, pl.col("error").sum().alias("sum"), pl.col("error").abs().mean().alias("size"), pl.len().alias("n"))
    signal = pl.when(pl.col("size") > 0).then(pl.col("sum") / pl.col("size")).otherwise(0.0)
    told = pl.format("errors of {} periods add up to {} of their mean size", pl.col("n"), signal.round(2))
    return _verdicts(found, "tracking_signal", signal, limits.tracking_signal, told)


def data_volume(reference: pl.DataFrame, current: pl.DataFrame, by: str, limits: DriftParams | None = None) -> pl.DataFrame:
    """Rows per period (ds) and value of `by` (a source, a site) of both frames; drifts where they change by more than `volume_change`.

    A value that is missing from the current frame has a volume of 0. value is current over reference, less 1.
    """
    limits = limits or read_params().drift
    rows = [
        frame.group_by(by).agg(pl.len().alias("n")).with_columns(pl.col("n") / frame["ds"].n_unique()) for frame in (reference, current)
    ]
    both = rows[0].join(rows[1], on=by, how="full", coalesce=True, suffix="_now").fill_null(0.0)
    found = both.select(pl.col(by).cast(pl.String).alias("subject"), "n", "n_now").sort("subject")
    change = pl.when(pl.col("n") > 0).then(pl.col("n_now") / pl.col("n") - 1).otherwise(1.0)
    told = pl.format("{} rows a period after {}", pl.col("n_now").round(1), pl.col("n").round(1))
    return _verdicts(found, "data_volume", change, limits.volume_change, told)


def demand_drift(
    judged: pl.DataFrame,
    *,
    reference: pl.DataFrame | None = None,
    current: pl.DataFrame | None = None,
    by: str | None = None,
    limits: DriftParams | None = None,
) -> pl.DataFrame:
    """All verdicts on matured forecasts (unique_id, ds, y, expected_units), and on features where both matrices are given."""
    frames = [expected_over_observed(judged, by, limits), tracking_signal(judged, by, limits)]
    if reference is not None and current is not None:
        frames.append(feature_drift(reference, current, limits=limits))
    return pl.concat(frames)


def _number_verdicts(name: str, reference: pl.Series, current: pl.Series, limits: DriftParams) -> list[tuple]:
    before, now = (series.cast(pl.Float64).fill_nan(None) for series in (reference, current))
    known, known_now = (np.sort(series.drop_nulls().to_numpy()) for series in (before, now))
    edges = np.unique(np.quantile(known, np.arange(1, limits.bins) / limits.bins, method="higher")) if known.size else np.empty(0)
    psi = _psi(_shares(known, edges, before.null_count()), _shares(known_now, edges, now.null_count()))
    ks = _ks(known, known_now)
    return [
        _verdict("psi", name, psi, limits.psi, f"{name}: population stability index {psi:.2f}"),
        _verdict("ks", name, ks, limits.ks, f"{name}: shares below some value differ by up to {ks:.0%}"),
    ]


def _text_verdicts(name: str, reference: pl.Series, current: pl.Series, limits: DriftParams) -> list[tuple]:
    frames = [series.cast(pl.String).fill_null("").rename("value").value_counts(name="n") for series in (reference, current)]
    both = frames[0].join(frames[1], on="value", how="full", coalesce=True, suffix="_now").fill_null(0)
    shares = [both[column].to_numpy() / max(both[column].sum(), 1) for column in ("n", "n_now")]
    psi, unseen = _psi(*shares), float(shares[1][shares[0] == 0].sum())
    return [
        _verdict("psi", name, psi, limits.psi, f"{name}: population stability index {psi:.2f}"),
        _verdict("unseen_share", name, unseen, limits.unseen_share, f"{name}: {unseen:.1%} of rows have a value never seen before"),
    ]


def _shares(ordered: np.ndarray, edges: np.ndarray, missing: int) -> np.ndarray:
    """Share of values in (-inf, e1], (e1, e2], ..., (ek, inf), and of missing ones."""
    below = np.concatenate([[0], np.searchsorted(ordered, edges, side="right"), [ordered.size]])
    return np.append(np.diff(below), missing) / max(ordered.size + missing, 1)


def _psi(before: np.ndarray, now: np.ndarray) -> float:
    occurs = (before > 0) | (now > 0)
    before, now = (np.maximum(shares[occurs], _LEAST_SHARE) for shares in (before, now))
    return float(((now - before) * np.log(now / before)).sum())


def _ks(before: np.ndarray, now: np.ndarray) -> float:
    if not before.size or not now.size:
        return 0.0
    points = np.concatenate([before, now])
    gaps = np.searchsorted(before, points, side="right") / before.size - np.searchsorted(now, points, side="right") / now.size
    return float(np.abs(gaps).max())


def _uncensored(judged: pl.DataFrame) -> pl.DataFrame:
    known = judged.filter(pl.col("y").is_not_null())
    return known.filter(~pl.col("is_stock_out").fill_null(value=False)) if "is_stock_out" in known.columns else known


def _by_subject(frame: pl.DataFrame, by: str | None, *sums: pl.Expr) -> pl.DataFrame:
    """The sums of all rows as subject 'all', and those by the column."""
    frames = [frame.select(pl.lit("all").alias("subject"), *sums)]
    if by:
        frames.append(frame.group_by(pl.col(by).cast(pl.String).fill_null("unknown").alias("subject")).agg(*sums).sort("subject"))
    return pl.concat(frames)


def _verdicts(found: pl.DataFrame, measure: str, value: pl.Expr, limit: float, told: pl.Expr) -> pl.DataFrame:
    judged = found.select(
        pl.lit(measure).alias("measure"), "subject", value.cast(pl.Float64).alias("value"), pl.lit(limit).alias("limit"), told.alias("told")
    )
    return judged.select(
        "measure", "subject", "value", "limit",
        (pl.col("value").abs() > pl.col("limit")).alias("is_drifting"),
        pl.format("{}: {}", "subject", "told").alias("text"),
    )  # fmt: skip


def _verdict(measure: str, subject: str, value: float, limit: float, text: str) -> tuple:
    return measure, subject, value, limit, abs(value) > limit, text


def _frame(verdicts: list[tuple]) -> pl.DataFrame:
    return pl.DataFrame(verdicts, schema=_SCHEMA, orient="row")
