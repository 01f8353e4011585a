"""Series: each article and site to plan for, with everything that its level depends on, one row each.

Putting attributes, class, lane, spread and economics beside a series belongs here, frame in, frame out; levels do not (targets.py).
"""

from __future__ import annotations

from datetime import timedelta

import polars as pl

from pipelines.forecasting.unconstrained import HALF_LIFE_DAYS, with_unconstrained_demand
from pipelines.params import ReplenishmentParams
from pipelines.replenishment.classes import with_classes
from pipelines.replenishment.facts import Facts
from pipelines.replenishment.lead_times import learned_lead_times
from pipelines.replenishment.rules import with_rules
from pipelines.replenishment.spreads import level_judged, over_dispersion
from pipelines.replenishment.targets import CENTRE, economics

__all__ = ["demand_history", "planned_series", "series_forecasts"]

_SERIES = pl.concat_str("article_id", "site_id", separator="/")
_TELLING_DAYS = 4
"""A week of which so many days are known tells what the week would have been."""


def lanes_of(facts: Facts, knobs: ReplenishmentParams) -> pl.DataFrame:
    """One row per site with its lane, and the defaults where it never received a delivery."""
    learned = learned_lead_times(facts.deliveries, handling_days=knobs.handling_days, prior_trips=knobs.prior_trips)
    return facts.sites.select("site_id").join(learned, on="site_id", how="left").with_columns(
        pl.col("lead_time_days").fill_null(knobs.default_lead_time_days),
        pl.col("lead_time_deviation_days").fill_null(0.0),
        pl.col("review_days").fill_null(knobs.default_review_days),
    )  # fmt: skip


def series_forecasts(facts: Facts, lanes: pl.DataFrame) -> pl.DataFrame:
    """unique_id, article_id, site_id, lead, expected_units: stores as forecast, and centres as the sum of the stores that they serve."""
    stores = facts.forecasts.select(_SERIES.alias("unique_id"), "article_id", "site_id", "lead", "expected_units")
    centres = (
        stores.join(_served(facts, lanes), on="site_id")
        .group_by("article_id", "centre_id", "lead")
        .agg(pl.col("expected_units").sum())
        .rename({"centre_id": "site_id"})
    )
    own = stores.select("article_id", "site_id").unique()
    # What a centre sells itself is forecast as such; nobody's demand is counted twice.
    centres = centres.join(own, on=["article_id", "site_id"], how="anti")
    return pl.concat([stores, centres.select(_SERIES.alias("unique_id"), *stores.columns[1:])]).sort("unique_id", "lead")


def demand_history(facts: Facts, lanes: pl.DataFrame, series: pl.DataFrame, *, days: int) -> pl.DataFrame:
    """unique_id, ds, y, is_stock_out, demand (null where unknown), demand_variance: a row per series and day from its first sale or stock
    on, within the newest days.

    Of a centre: the demand of the stores that it serves, of a store without any unit that of its usual day.
    """
    begin = facts.as_of - timedelta(days=days - 1)
    known = facts.sales.filter(pl.col("ds") >= begin).select("article_id", "site_id", "ds", "y", "is_stock_out")
    first = known.group_by("article_id", "site_id").agg(pl.col("ds").min())
    every = first.with_columns(ds=pl.date_ranges("ds", pl.lit(facts.as_of))).explode("ds")
    dense = every.join(known, on=["article_id", "site_id", "ds"], how="left").with_columns(
        pl.col("y").fill_null(0.0), pl.col("is_stock_out").fill_null(value=False), _SERIES.alias("unique_id")
    )
    dense = with_unconstrained_demand(dense)
    usual = pl.col("demand").ewm_mean(half_life=HALF_LIFE_DAYS, ignore_nulls=True).forward_fill().over("unique_id", order_by="ds")
    served = (
        dense.with_columns(demand=pl.coalesce("demand", usual, pl.lit(0.0)))
        .join(_served(facts, lanes), on="site_id")
        .group_by("article_id", "centre_id", "ds")
        .agg(pl.col("demand", "demand_variance").sum())
        .rename({"centre_id": "site_id"})
        .with_columns(_SERIES.alias("unique_id"), y="demand", is_stock_out=pl.lit(value=False))
    )
    stores = dense.join(served.select("unique_id").unique(), on="unique_id", how="anti")
    found = pl.concat(each.select("unique_id", "ds", "y", "is_stock_out", "demand", "demand_variance") for each in (stores, served))
    return found.join(series.select("unique_id"), on="unique_id", how="semi").sort("unique_id", "ds")


def planned_series(facts: Facts, forecasts: pl.DataFrame, lanes: pl.DataFrame, knobs: ReplenishmentParams) -> pl.DataFrame:
    """One row per series with all columns that `levels` needs but the ratio's shift; sorted by unique_id."""
    series = forecasts.select("unique_id", "article_id", "site_id").unique().sort("unique_id")
    history = demand_history(facts, lanes, series, days=knobs.class_weeks * 7 + knobs.trailing_days)
    series = (
        series.join(facts.sites, on="site_id", how="left", maintain_order="left")
        .join(lanes, on="site_id", how="left", maintain_order="left")
        .join(_valued_articles(facts, knobs), on="article_id", how="left", maintain_order="left")
        .join(_spread(history, lanes, series, knobs), on="unique_id", how="left", maintain_order="left")
    )
    everyone = _spread(history, lanes, series, knobs).filter(pl.col("unique_id").is_null())["over_dispersion"]
    series = series.with_columns(pl.col("over_dispersion").fill_null(everyone[0] if everyone.len() else 0.0))
    series = with_classes(
        series.join(_weekly(history, facts, knobs), on="unique_id", how="left").with_columns(
            value=pl.col("weekly_units").fill_null(0.0) * pl.col("unit_price")
        ),
        value_shares=knobs.value_shares,
        variations=knobs.variations,
    ).sort("unique_id")
    is_old = (pl.lit(facts.as_of) - pl.col("launch_date")).dt.total_days() > knobs.ageing_after_days
    is_ending = pl.col("recent_level") <= knobs.ending_level_share * pl.col("earlier_level")
    by_class = pl.col("abc_class").replace_strict(knobs.asked_fill, return_dtype=pl.Float64)
    is_store = pl.col("site_kind") == "store"
    # What is ordered today is there when it has arrived: that day's rules count.
    arrival = pl.lit(facts.as_of) + pl.duration(days=pl.col("lead_time_days").ceil().cast(pl.Int64) + 1)
    ruled = with_rules(series, facts.rules, arrival).with_columns(
        is_ageing=(is_old.fill_null(value=False) & is_ending.fill_null(value=False)),
        mode_code=pl.lit(knobs.mode),
        asked_fill=pl.coalesce("asked_fill_share", by_class),
        display_units=pl.coalesce("display_units", pl.when(is_store).then(knobs.display_units).otherwise(0)),
        pack_units=pl.col("pack_units").fill_null(knobs.pack_units),
        capacity_units=pl.col("capacity_units").fill_null(knobs.capacity_units),
    )
    return economics(ruled, knobs)


def _served(facts: Facts, lanes: pl.DataFrame) -> pl.DataFrame:
    """site_id and the centre that brings it most."""
    centres = facts.sites.filter(pl.col("site_kind") == CENTRE)["site_id"]
    return lanes.filter((pl.col("lane_kind") == "delivery") & pl.col("origin_id").is_in(centres.implode())).select(
        "site_id", centre_id="origin_id"
    )


def _valued_articles(facts: Facts, knobs: ReplenishmentParams) -> pl.DataFrame:
    """article_id, article_name, launch_date, unit_price (mean of sales), and unit_value: as valued, or the price less the margin."""
    sold = facts.sales.filter(pl.col("y") > 0).group_by("article_id").agg(unit_price=pl.col("amount").sum() / pl.col("y").sum())
    priced = facts.articles.join(sold, on="article_id", how="left")
    margin = 1 - knobs.lost_margin_share
    value = pl.coalesce("unit_value", pl.col("unit_price") * margin)
    typical = value.median()
    return priced.with_columns(unit_value=pl.coalesce(value, typical, pl.lit(1.0))).with_columns(
        unit_price=pl.coalesce("unit_price", pl.col("unit_value") / margin)
    )


def _spread(history: pl.DataFrame, lanes: pl.DataFrame, series: pl.DataFrame, knobs: ReplenishmentParams) -> pl.DataFrame:
    """unique_id and over_dispersion of sums over the usual lead time and review; a null unique_id stands for series without any."""
    usual = series.select("site_id").join(lanes, on="site_id").select((pl.col("lead_time_days") + pl.col("review_days")).median()).item()
    window = max(round(usual or 1), 1)
    sums = level_judged(history, window_days=window, trailing_days=knobs.trailing_days, step_days=knobs.window_step_days)
    return over_dispersion(sums, bins=knobs.dispersion_bins, prior_windows=knobs.prior_windows).drop("windows")


def _weekly(history: pl.DataFrame, facts: Facts, knobs: ReplenishmentParams) -> pl.DataFrame:
    """weekly_units, variation of whole weeks, and the level of the last four weeks beside that of the quarter before.

    Days whose demand is not known count neither way: an article that is out of stock has not ended.
    """
    age = (pl.lit(facts.as_of) - pl.col("ds")).dt.total_days()
    aged = history.drop_nulls("demand").with_columns(age=age, week=age // 7)
    weeks = aged.filter(pl.col("week") < knobs.class_weeks).group_by("unique_id", "week").agg(pl.col("demand").mean() * 7, days=pl.len())
    whole = (
        weeks.filter(pl.col("days") >= _TELLING_DAYS)
        .group_by("unique_id")
        .agg(weekly_units=pl.col("demand").mean(), variation=pl.col("demand").std() / pl.col("demand").mean())
    )
    levels = aged.group_by("unique_id").agg(
        recent_level=pl.col("demand").filter(pl.col("age") < 28).mean(), earlier_level=pl.col("demand").filter(pl.col("age") >= 28).mean()
    )
    return levels.join(whole, on="unique_id", how="left")
