"""Demand features: a daily panel becomes one row per series, as-of date and lead time.

Features are ratios to the series' own smoothed level, so that what is learned on large series holds for small ones. Nothing
after the as-of date enters, but the calendar and campaigns planned by then. The knobs stand in pipelines/params.yaml.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import polars as pl

from pipelines.params import DemandParams

__all__ = ["FEATURES", "PanelError", "dense_panel", "lead_time_rows", "observed_until"]

_FLOOR = 0.02
"""Units a day below which a level is not told apart from nothing."""

_HISTORY = [
    "level", "week_ratio", "month_ratio", "quarter_ratio", "last_day_ratio", "zero_share", "stock_out_share",
    "days_since_sale", "age_days", "article_trend", "site_trend", "total_trend",
]  # fmt: skip
_TARGET = [
    "lead_time_days", "weekday", "weekday_ratio", "weekday_ratio_all", "same_weekday_ratio",
    "is_holiday", "is_open", "campaign_discount_pct", "campaign_discount_now_pct", "day_of_month",
]  # fmt: skip
FEATURES = [*_HISTORY, *_TARGET]
"""Columns of the matrix in the order that a model reads them."""

_OPTIONAL = {
    "is_stock_out": pl.lit(False),
    "is_holiday": pl.lit(False),
    "is_open": pl.lit(True),
    "campaign_discount_pct": pl.lit(None, pl.Float64),
    "campaign_planned_date": pl.lit(None, pl.Date),
    "article_id": pl.col("unique_id"),
    "site_id": pl.lit(""),
}


class PanelError(ValueError):
    """A panel that cannot be learned from; the message says what is wrong and what to do."""


def dense_panel(panel: pl.DataFrame) -> pl.DataFrame:
    """The panel with one row per series and day without gaps, sorted; days not listed up to the last observed one have y = 0.

    Needs unique_id, ds (date) and y (number; empty beyond the last observed day); the optional columns are filled with
    what says nothing. Raises PanelError for missing columns, repeated days, or negative demand.
    """
    missing = [name for name in ("unique_id", "ds", "y") if name not in panel.columns]
    if missing:
        raise PanelError(f"the panel lacks {', '.join(missing)}; name its columns unique_id, ds, y")
    panel = panel.with_columns(expression.alias(name) for name, expression in _OPTIONAL.items() if name not in panel.columns)
    panel = panel.with_columns(pl.col("unique_id").cast(pl.String), pl.col("ds").cast(pl.Date), pl.col("y").cast(pl.Float64))
    if panel.select(pl.struct("unique_id", "ds").is_duplicated().any()).item():
        raise PanelError("the panel holds a series and day twice; add up its rows first")
    if panel.select((pl.col("y") < 0).any()).item():
        raise PanelError("the panel holds negative demand; net returns at the day of their sale, or leave them out")
    last = observed_until(panel)
    spans = panel.group_by("unique_id").agg(pl.col("ds").min().alias("first"), pl.col("ds").max().clip(lower_bound=last).alias("last"))
    days = spans.select("unique_id", pl.date_ranges("first", "last").alias("ds")).explode("ds")
    statics = panel.group_by("unique_id").agg(pl.col("article_id", "site_id").first())
    return (
        days.join(panel.drop("article_id", "site_id"), on=["unique_id", "ds"], how="left")
        .join(statics, on="unique_id")
        .with_columns(
            pl.when(pl.col("ds") <= last).then(pl.col("y").fill_null(0.0)).alias("y"),
            *(pl.col(name).fill_null(_OPTIONAL[name]) for name in ("is_stock_out", "is_holiday", "is_open")),
        )
        .sort("unique_id", "ds")
    )


def observed_until(panel: pl.DataFrame) -> date:
    """The last day with known demand."""
    last = panel.filter(pl.col("y").is_not_null())["ds"].max()
    if last is None:
        raise PanelError("the panel holds no day with known demand")
    return last


def lead_time_rows(
    panel: pl.DataFrame, as_of_dates: Sequence[date], params: DemandParams, *, at_most: int | None = None, seed: int = 0
) -> pl.DataFrame:
    """One row per series, as-of date and lead time of 1 to horizon days, for series that had begun by then.

    Takes a dense panel. Beyond `at_most` rows, a seeded sample of them, drawn before any is made. Columns: unique_id, as_of,
    ds, y (empty where not observed), is_stock_out, seasonal_naive (the baseline's forecast), expected_level (the starting
    point of the trees, units a day) and FEATURES.
    """
    history = _history(panel, params).filter(pl.col("as_of").is_in(list(as_of_dates)))
    weekdays = _weekday_levels(panel, params)
    leads = pl.DataFrame({"lead_time_days": range(1, params.horizon_days + 1)}, schema={"lead_time_days": pl.Int32})
    asked = history.select("unique_id", "as_of").sort("unique_id", "as_of").join(leads, how="cross")
    if at_most is not None and asked.height > at_most:
        asked = asked.sample(at_most, seed=seed)
    rows = asked.join(history, on=["unique_id", "as_of"]).with_columns(
        (pl.col("as_of") + pl.duration(days="lead_time_days")).alias("ds"), _last_same_weekday(params.seasonal_period_days)
    )
    target = panel.select("unique_id", "ds", "y", "is_stock_out", "is_holiday", "is_open", "campaign_discount_pct", "campaign_planned_date")
    offered = panel.select("unique_id", pl.col("ds").alias("as_of"), pl.col("campaign_discount_pct").alias("campaign_discount_now_pct"))
    last_week = panel.select("unique_id", pl.col("ds").alias("same_weekday"), pl.col("y").alias("seasonal_naive"))
    return (
        rows.join(target, on=["unique_id", "ds"], how="left")
        .join(offered, on=["unique_id", "as_of"], how="left")
        .join(last_week, on=["unique_id", "same_weekday"], how="left")
        .join(weekdays, on=["unique_id", "same_weekday"], how="left")
        .with_columns(_target_features())
        .with_columns((pl.col("level") * pl.col("weekday_ratio")).clip(lower_bound=_FLOOR).alias("expected_level"))
        .select("unique_id", "as_of", "ds", "y", "is_stock_out", pl.col("seasonal_naive").fill_null(0.0), "expected_level", *FEATURES)
        .sort("unique_id", "as_of", "ds")
    )


def _last_same_weekday(period: int) -> pl.Expr:
    """The last known day that lies whole periods before the target day."""
    periods = (pl.col("lead_time_days") + period - 1) // period
    return (pl.col("as_of") + pl.duration(days=pl.col("lead_time_days") - periods * period)).alias("same_weekday")


def _history(panel: pl.DataFrame, params: DemandParams) -> pl.DataFrame:
    """One row per series and observed day: what the series, its article, its site and all series had done by its end."""
    last = observed_until(panel)
    # A day without stock says how much there was to sell, not how much was asked for.
    known = pl.when(~pl.col("is_stock_out")).then(pl.col("y"))
    observed = panel.filter(pl.col("ds") <= last).with_columns(known.alias("known"))
    trends = [_trend(observed, by, name) for by, name in (("article_id", "article_trend"), ("site_id", "site_trend"))]
    total = _trend(observed.with_columns(pl.lit("").alias("all")), "all", "total_trend").drop("all")
    level = pl.col("known").ewm_mean(half_life=params.level_half_life_days, ignore_nulls=True).forward_fill()
    frame = observed.with_columns(
        level.over("unique_id").fill_null(0.0).clip(lower_bound=_FLOOR).alias("level"),
        *(_mean("known", days).over("unique_id").alias(f"mean_{days}") for days in (7, 28, 91)),
        _mean("is_stock_out", 28).over("unique_id").alias("stock_out_share"),
        pl.col("known").eq(0).cast(pl.Float64).rolling_mean(28, min_samples=1).over("unique_id").alias("zero_share"),
        pl.int_range(pl.len()).over("unique_id").alias("age_days"),
        pl.when(pl.col("y") > 0).then(pl.col("ds")).forward_fill().over("unique_id").alias("last_sale"),
    )
    frame = frame.join(trends[0], on=["article_id", "ds"]).join(trends[1], on=["site_id", "ds"]).join(total, on="ds")
    return frame.select(
        "unique_id",
        pl.col("ds").alias("as_of"),
        "level",
        (pl.col("mean_7") / pl.col("level")).alias("week_ratio"),
        (pl.col("mean_28") / pl.col("level")).alias("month_ratio"),
        (pl.col("mean_91") / pl.col("level")).alias("quarter_ratio"),
        (pl.col("y") / pl.col("level")).alias("last_day_ratio"),
        "zero_share",
        "stock_out_share",
        (pl.col("ds") - pl.col("last_sale")).dt.total_days().alias("days_since_sale"),
        "age_days",
        "article_trend",
        "site_trend",
        "total_trend",
    )


def _mean(column: str, days: int) -> pl.Expr:
    return pl.col(column).cast(pl.Float64).rolling_mean(days, min_samples=1)


def _trend(observed: pl.DataFrame, by: str, name: str) -> pl.DataFrame:
    """One row per group and day: the last week's daily demand over the last four weeks'."""
    daily = observed.group_by(by, "ds").agg(pl.col("y").sum()).sort(by, "ds")
    ratio = _mean("y", 7) / _mean("y", 28).clip(lower_bound=_FLOOR)
    return daily.select(by, "ds", ratio.over(by).alias(name))


def _weekday_levels(panel: pl.DataFrame, params: DemandParams) -> pl.DataFrame:
    """One row per series and observed day: its weekday's share of the series' own level and of all series', up to that day."""
    observed = panel.filter(pl.col("ds") <= observed_until(panel)).with_columns(pl.col("ds").dt.weekday().alias("weekday"))
    weeks = params.weekday_weeks
    own = pl.col("y").rolling_mean(weeks, min_samples=1).over("unique_id", "weekday")
    total = observed.group_by("ds", "weekday").agg(pl.col("y").sum()).sort("ds")
    everyone = total.select(
        "ds",
        (pl.col("y").rolling_mean(weeks, min_samples=1).over("weekday") / _mean("y", 7 * weeks).clip(lower_bound=_FLOOR)).alias("everyone"),
    )
    base = _mean("y", 7 * weeks).over("unique_id")
    # The series' own weekday counts as much as its sales allow: few sales say little about their weekday.
    seen = pl.col("y").rolling_sum(weeks, min_samples=1).over("unique_id", "weekday")
    return (
        observed.join(everyone, on="ds")
        .with_columns((own / base.clip(lower_bound=_FLOOR)).alias("own"), (seen / (seen + 20.0)).alias("weight"))
        .select(
            "unique_id",
            pl.col("ds").alias("same_weekday"),
            pl.col("own").alias("same_weekday_ratio"),
            pl.col("everyone").alias("weekday_ratio_all"),
            (pl.col("weight") * pl.col("own") + (1 - pl.col("weight")) * pl.col("everyone")).alias("weekday_ratio"),
        )
    )


def _target_features() -> list[pl.Expr]:
    """What was known at the as-of date about the target day."""
    is_planned = pl.col("campaign_planned_date").is_null() | (pl.col("campaign_planned_date") <= pl.col("as_of"))
    return [
        pl.col("ds").dt.weekday().alias("weekday"),
        pl.col("ds").dt.day().alias("day_of_month"),
        pl.col("is_holiday").fill_null(False).cast(pl.Int8),
        pl.col("is_open").fill_null(True).cast(pl.Int8),
        pl.when(is_planned).then(pl.col("campaign_discount_pct")).fill_null(0.0).alias("campaign_discount_pct"),
        pl.col("campaign_discount_now_pct").fill_null(0.0),
        pl.col("weekday_ratio", "weekday_ratio_all", "same_weekday_ratio").fill_null(1.0),
    ]
