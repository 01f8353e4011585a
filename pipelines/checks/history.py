"""History: how many rows a day, and how often deliveries, a feed usually brings, told from its own past.

Weekday against the same weekday, by median and spread, so that no number is set by hand. A feed with too little past has no
expectation. The business date of a feed is named in its contract (customProperties.businessDate).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta

import polars as pl

from pipelines.checks.expectations import SHOWN_ROWS, Verdict
from pipelines.checks.rules import WARNING, Rule

__all__ = ["daily_volumes", "freshness_verdict", "volume_verdict"]

_LEAST = 4
"""Earlier days of the same weekday without which nothing is expected."""

_PAST_WEEKS = 12
_SPREADS = 5.0
"""Robust standard deviations (1.4826 x median absolute deviation) that a day may be off."""

_SHARE = 0.5
"""A day may always be off by this share of its median: small feeds swing."""

_SMALLEST_MEDIAN = 10.0
"""Feeds with fewer rows a day come when something happened, not by rule."""


def daily_volumes(rows_by_day: pl.DataFrame) -> pl.DataFrame:
    """One row per day from the first to the last: rows, and the least and most that its own weekday's past makes expect.

    Takes columns day and rows; a day that is missing had none. `low` and `high` are empty where the past says nothing.
    """
    days = pl.DataFrame({"day": pl.date_range(rows_by_day["day"].min(), rows_by_day["day"].max(), eager=True)})
    dense = days.join(rows_by_day, on="day", how="left").with_columns(pl.col("rows").fill_null(0).cast(pl.Float64)).sort("day")
    weekday = pl.col("day").dt.weekday()
    earlier = pl.col("rows").shift(1).over(weekday)
    dense = dense.with_columns(
        earlier.rolling_median(_PAST_WEEKS, min_samples=_LEAST).over(weekday).alias("median"), weekday.alias("weekday")
    )
    past = [(pl.col("rows").shift(n).over("weekday") - pl.col("median")).abs() for n in range(1, _PAST_WEEKS + 1)]
    spread = 1.4826 * pl.concat_list(past).list.drop_nulls().list.median()
    band = pl.max_horizontal(_SPREADS * spread, _SHARE * pl.col("median"))
    is_known = pl.col("median") >= _SMALLEST_MEDIAN
    return dense.with_columns(
        pl.when(is_known).then((pl.col("median") - band).clip(lower_bound=0)).alias("low"),
        pl.when(is_known).then(pl.col("median") + band).alias("high"),
    ).select("day", "rows", "low", "high")


def volume_verdict(rows_by_day: pl.DataFrame, new_days: Sequence[date]) -> Verdict:
    """Verdict on the days that new rows speak of: each day's rows against the same weekday's past."""
    rule = Rule(
        "volume_is_usual", None, "history", WARNING, "the rows of its weekday's past",
        "ask the sender for what is missing, or whether something came twice", "",
    )  # fmt: skip
    if rows_by_day.is_empty():
        return Verdict(rule, 0, 0, observed="no rows")
    judged = daily_volumes(rows_by_day).filter(pl.col("day").is_in(list(new_days)) & pl.col("low").is_not_null())
    off = judged.filter((pl.col("rows") < pl.col("low")) | (pl.col("rows") > pl.col("high"))).sort("day", descending=True)
    observed = f"{off.height} of {judged.height} days are unusual" if judged.height else "not enough history"
    shown = [{**row, "day": str(row["day"])} for row in off.head(SHOWN_ROWS).with_columns(pl.col("low", "high").round(1)).to_dicts()]
    return Verdict(rule, judged.height, off.height, shown, observed=observed)


def freshness_verdict(delivered_at: pl.Series, now: datetime) -> Verdict:
    """Verdict on the time since the last delivery, against the gaps that followed deliveries of the same weekday.

    With fewer than four such gaps, against all gaps; with fewer than four of these, nothing is expected.
    """
    rule = Rule("delivery_is_due", None, "history", WARNING, "a delivery as often as before", "ask the sender why nothing came", "")
    days = delivered_at.dt.date().unique().sort()
    gaps = pl.DataFrame({"day": days, "gap": days.diff().shift(-1).dt.total_days()}).drop_nulls()
    if gaps.height < _LEAST:
        return Verdict(rule, 0, 0, observed="not enough history")
    last = days[-1]
    alike = gaps.filter(pl.col("day").dt.weekday() == last.isoweekday())
    longest = int((alike if alike.height >= _LEAST else gaps)["gap"].max())
    silent = (now.date() - last) // timedelta(days=1)
    is_late = silent > longest
    told = {"last delivery": str(last), "days since": silent, "longest gap before": longest}
    return Verdict(
        rule, 1, int(is_late), [told] if is_late else [], observed=f"{silent} days since the last delivery; {longest} at most before"
    )
