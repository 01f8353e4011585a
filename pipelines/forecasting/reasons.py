"""Reasons: why a forecast is what it is, in words, from the contributions of its features.

Contributions are TreeSHAP's (Lundberg et al. 2020, Nature Machine Intelligence 2), as LightGBM's pred_contrib gives them: they add up to
the forecast's logarithm, so that each stands for a factor. What a feature is called is in phrases.py.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from pipelines.forecasting.phrases import phrase_of

__all__ = ["reasons_in_words", "reasons_of"]

_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_CHUNK = 250_000
"""Rows at a time, so that 30,000 series x 28 leads need no more memory than a few."""


def reasons_of(
    contributions: np.ndarray,
    values: np.ndarray,
    features: Sequence[str],
    *,
    period: str = "day",
    marks: Sequence[str] = (),
    most: int = 5,
    least_effect: float = 0.005,
) -> pl.DataFrame:
    """One row per row of both matrices: reason_1 to reason_5, the largest first; empty beyond those that move less than `least_effect`.

    `contributions` has a column per feature, and may have LightGBM's last one, what all rows have in common, which is no reason. `values`
    are the features' own. 'sold 40 % more than usual over the last 4 weeks: +18 %' means a forecast 1.18 times as high for it. `period`
    and `marks`: see phrase_of.
    """
    words = _words(features, period, marks)
    names = [f"reason_{number}" for number in range(1, most + 1)]
    frames = [
        reasons_in_words(contributions[start : start + _CHUNK, : len(features)], values[start : start + _CHUNK], words, names, least_effect)
        for start in range(0, contributions.shape[0], _CHUNK)
    ]
    return pl.concat(frames) if frames else pl.DataFrame(schema=dict.fromkeys(names, pl.String))


def reasons_in_words(
    contributions: np.ndarray, values: np.ndarray, words: pl.DataFrame, names: Sequence[str], least_effect: float
) -> pl.DataFrame:
    """As reasons_of, with the words of the features given: kind, before and after by position."""
    rows = contributions.shape[0]
    kept = min(len(names), contributions.shape[1])
    largest = np.argpartition(-np.abs(contributions), kept - 1, axis=1)[:, :kept]
    sizes = np.take_along_axis(np.abs(contributions), largest, axis=1)
    largest = np.take_along_axis(largest, np.argsort(-sizes, axis=1, kind="stable"), axis=1)
    picked = pl.DataFrame(
        {
            "feature": largest.ravel().astype(np.uint32),
            "value": np.take_along_axis(values, largest, axis=1).ravel().astype(np.float64),
            "effect": np.exp(np.take_along_axis(contributions, largest, axis=1)).ravel() - 1,
        }
    )
    told = picked.with_columns(words[column].gather(picked["feature"]).alias(column) for column in words.columns).select(
        pl.when(pl.col("effect").abs() >= least_effect)
        .then(pl.concat_str("before", _told_value(), "after", pl.lit(": "), _signed_percent("effect")))
        .alias("text")
    )
    found = told["text"].to_frame().with_columns(pl.Series("place", np.tile(np.arange(kept), rows)))
    columns = {name: found.filter(pl.col("place") == place)["text"] for place, name in enumerate(names[:kept])}
    return pl.DataFrame(columns).with_columns(pl.lit(None, pl.String).alias(name) for name in names[kept:])


def _words(features: Sequence[str], period: str, marks: Sequence[str]) -> pl.DataFrame:
    phrases = [phrase_of(feature, period=period, marks=marks) for feature in features]
    table = {name: [getattr(phrase, name) for phrase in phrases] for name in ("kind", "before", "after")}
    return pl.DataFrame(table, schema={"kind": pl.Categorical, "before": pl.String, "after": pl.String})


def _told_value() -> pl.Expr:
    """The value as its kind is told."""
    value, kind = pl.col("value"), pl.col("kind")
    whole = value.round().cast(pl.Int64, strict=False).cast(pl.String)
    weekday = whole.replace_strict({str(number): day for number, day in enumerate(_WEEKDAYS, start=1)}, default="other day")
    told = (
        pl.when(kind == "ratio")
        .then(_told_ratio(value))
        .when(kind == "share")
        .then(_whole_percent(value))
        .when(kind == "count")
        .then(whole)
        .when(kind == "size")
        .then(_number(value.exp()))
        .when(kind == "weekday")
        .then(weekday)
        .when(kind == "more")
        .then(pl.when(value > 0.005).then(pl.lit("more")).when(value < -0.005).then(pl.lit("less")).otherwise(pl.lit("no more")))
        .when((kind == "mark") & (value == 0))
        .then(pl.lit("off"))
        .when((kind == "mark") & (value == 1))
        .then(pl.lit("on"))
        .otherwise(_number(value))
    )
    unknown = pl.when(kind == "ratio").then(pl.lit("an unknown amount against")).otherwise(pl.lit("unknown"))
    return pl.when(value.is_nan() | value.is_null()).then(unknown).otherwise(told)


def _told_ratio(logarithm: pl.Expr) -> pl.Expr:
    """'40 % more than', '3.2 times as much as', 'as much as'."""
    change = logarithm.exp() - 1
    return (
        pl.when(change.abs() < 0.005)
        .then(pl.lit("as much as"))
        .when(change >= 2)
        .then(pl.concat_str(_number(change + 1), pl.lit(" times as much as")))
        .when(change > 0)
        .then(pl.concat_str(_whole_percent(change), pl.lit(" more than")))
        .otherwise(pl.concat_str(_whole_percent(-change), pl.lit(" less than")))
    )


def _number(value: pl.Expr) -> pl.Expr:
    digits = pl.when(value.abs() < 1).then(value.round(2)).otherwise(value.round(1))
    return digits.cast(pl.String).str.strip_suffix(".0")


def _whole_percent(share: pl.Expr) -> pl.Expr:
    return pl.concat_str((share * 100).round().cast(pl.Int64, strict=False).cast(pl.String), pl.lit(" %"))


def _signed_percent(name: str) -> pl.Expr:
    effect = pl.col(name)
    sign = pl.when(effect >= 0).then(pl.lit("+")).otherwise(pl.lit("-"))
    return pl.concat_str(sign, _whole_percent(effect.abs()))
