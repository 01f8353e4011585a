"""Sums: the newest forecasts added up to levels above variant and site, by day and by week; and what articles are made up of.

Which levels there are, and publishing them, belongs here. How sums and their quantiles are made does not (pipelines/forecasting:
reconciliation.py, weeks.py, shares.py), nor what is forecast (pipelines/models/demand.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime

import polars as pl
import polars.selectors as cs

from pipelines.contracts import Contract
from pipelines.derived import are_current, forecasts_told, replace_derived
from pipelines.forecasting.censoring import with_expected_demand
from pipelines.forecasting.hierarchy import BOTTOM, Levels, node_members
from pipelines.forecasting.reconciliation import reconcile
from pipelines.forecasting.shares import attribute_shares
from pipelines.forecasting.spread import error_correlation, quantile_columns
from pipelines.forecasting.weeks import weekly_forecasts
from pipelines.home import Home
from pipelines.lake import Lake
from pipelines.models.registry import champion
from pipelines.params import Params, read_params
from pipelines.publish import publish_scores

__all__ = ["LEVELS", "NODES", "SUMMED", "article_shares", "correlations", "forecasts_by_level", "sum_forecasts", "sums_are_current"]

BY_LEVEL, SHARES = SUMMED = ("demand_forecasts_by_level", "demand_shares")
LEVELS: Levels = {
    "total": [],
    "region": ["region_code"],
    "site": ["site_id"],
    "category": ["merchandise_category_code"],
    "article": ["generic_article_id"],
    "article_region": ["generic_article_id", "region_code"],
    "variant": ["article_id"],
}
"""Levels that are published by day and by week, with the columns that tell their nodes apart."""
_VARIANT_SITE = "variant_site"
"""The forecasts themselves, published by week; by day they are demand_forecasts."""
NODES = ["article_id", "generic_article_id", "merchandise_category_code", "region_code", "site_id"]
"""Columns that tell the nodes of all levels apart."""
_ATTRIBUTES = ["color_name", "storage_size_name"]
_EVERYWHERE = "all"
_DIGITS = 6
"""Sums in another order differ in their last digits; tables do not."""


def correlations(judged: pl.DataFrame) -> dict[str, float]:
    """How much errors of past forecasts moved together: those of the series of a day, and of the days of a series."""
    return {"series": error_correlation(judged, ["cutoff", "ds"]), "days": error_correlation(judged, ["cutoff", "unique_id"])}


def forecasts_by_level(forecasts: pl.DataFrame, statics: pl.DataFrame, moving: Mapping[str, float]) -> pl.DataFrame:
    """One row per level, node and day, or week: level_code, period_name, the node's columns, ds, forecast_days, expected_units, quantiles.

    `forecasts`: unique_id, ds, expected_units, quantiles; `statics`: unique_id and the columns of LEVELS, for each series; `moving`: what
    `correlations` gave. expected_units of a node are the sum of its series', and those of a week the sum of its days'.
    """
    of_series = statics.select("unique_id", *(pl.col(name).cast(pl.String).fill_null("") for name in NODES)).unique("unique_id")
    of_series = of_series.join(forecasts, on="unique_id", how="semi").sort("unique_id")
    days = reconcile(forecasts, of_series, LEVELS, correlation=moving["series"]).select(
        "level", "unique_id", "ds", "expected_units", *quantile_columns(forecasts.columns)
    )
    # A launch is forecast from its launch on; before it, there is nothing to say of it by itself.
    days = (
        days.join(forecasts.select("unique_id", "ds"), on=["unique_id", "ds"], how="semi")
        .filter(pl.col("level") == BOTTOM)
        .vstack(days.filter(pl.col("level") != BOTTOM))
    )
    weeks = weekly_forecasts(days, correlation=moving["days"])
    daily = days.filter(pl.col("level") != BOTTOM).with_columns(period_name=pl.lit("day"), forecast_days=pl.lit(1, pl.UInt32))
    every = pl.concat(
        [daily, weeks.with_columns(period_name=pl.lit("week"), forecast_days=pl.col("forecast_days").cast(pl.UInt32))], how="diagonal"
    )
    return (
        every.join(_nodes(of_series), on=["level", "unique_id"], how="left")
        .with_columns(level_code=pl.col("level").replace(BOTTOM, _VARIANT_SITE))
        .drop("level", "unique_id")
    )


def article_shares(panel: pl.DataFrame, window_days: int) -> pl.DataFrame:
    """One row per article, region (and `all`), attribute and value: units asked for in the newest days, share, and expected share.

    Days that ran out of stock count with what was likely asked for, or what sold out would look unloved. Variants without an article above
    them have no share; where none has one, the frame is empty.
    """
    last = panel.filter(pl.col("y").is_not_null())["ds"].max()
    recent = panel.filter(pl.col("y").is_not_null() & (pl.col("ds") > pl.lit(last).dt.offset_by(f"-{window_days}d")))
    recent = recent.filter(pl.col("generic_article_id").is_not_null())
    if recent.is_empty():
        return pl.DataFrame()
    made_right, _ = with_expected_demand(recent, siblings=["article_id", "site_id"])
    asked = made_right.with_columns(pl.col("merchandise_category_code").fill_null(""), pl.col("region_code").fill_null(""))
    common = {
        "parent": "generic_article_id",
        "category": "merchandise_category_code",
        "window_days": window_days,
        "units": "expected_demand",
    }
    by_region = attribute_shares(asked, _ATTRIBUTES, place="region_code", **common)
    everywhere = attribute_shares(asked, _ATTRIBUTES, **common).with_columns(region_code=pl.lit(_EVERYWHERE))
    return pl.concat([by_region, everywhere], how="diagonal")


def sum_forecasts(
    home: Home, lake: Lake, contracts: Mapping[str, Contract], statics: pl.DataFrame, recent: pl.DataFrame, *, params: Params, now: datetime
) -> dict[str, int]:
    """Publish the sums of the forecasts that are published, and the shares of what was asked for. Returns rows by table.

    `statics`: unique_id and the columns of LEVELS of each series; `recent`: the panel's newest days, those of the shares at least.
    """
    forecasts = lake.read("gold/demand_forecasts") if lake.exists("gold/demand_forecasts") else pl.DataFrame()
    model = champion(home, lake, "demand")
    found = {BY_LEVEL: pl.DataFrame(), SHARES: pl.DataFrame()}
    if model and not forecasts.is_empty():
        as_of = forecasts["features_as_of_date"][0]
        keyed = forecasts.with_columns(unique_id=pl.format("{}/{}", "article_id", "site_id"), ds=pl.col("forecast_date"))
        told = keyed.select("unique_id", "ds", "expected_units", *quantile_columns(keyed.columns))
        moving = {"series": 0.0, "days": 0.0} | model.files.rest.get("correlations", {})
        sums = forecasts_by_level(told, statics, moving).rename({"ds": "forecast_date"})
        found[BY_LEVEL] = _signed(sums, as_of, now).with_columns(model_version=pl.lit(forecasts["model_version"][0]))
        shares = article_shares(recent, params.demand.shares_days)
        if not shares.is_empty():
            shares = shares.rename({"attribute": "attribute_name", "value": "attribute_value", "units": "units_demanded"})
            found[SHARES] = _signed(shares, as_of, now)
    made_from = _made_from(home, params)
    for name, rows in found.items():
        replace_derived(lake, contracts[name], rows, made_from)
    publish_scores(home, lake, contracts, SUMMED, now=now)
    return {name: rows.height for name, rows in found.items()}


def sums_are_current(home: Home, lake: Lake) -> bool:
    """Whether both tables were made from the forecasts that are published, and are shown as they are."""
    return are_current(home, lake, SUMMED, _made_from(home, read_params()))


def _nodes(of_series: pl.DataFrame) -> pl.DataFrame:
    """level, unique_id (of the node) and the columns that tell the node apart; the others are empty."""
    members = node_members(of_series, LEVELS).join(of_series, on="unique_id")
    named = [
        members.filter(pl.col("level") == level).select("level", pl.col("node_id").alias("unique_id"), *columns).unique("unique_id")
        for level, columns in LEVELS.items()
    ]
    bottom = of_series.select(pl.lit(BOTTOM).alias("level"), "unique_id", "article_id", "site_id")
    return pl.concat([*named, bottom], how="diagonal")


def _signed(rows: pl.DataFrame, as_of: date, now: datetime) -> pl.DataFrame:
    return rows.with_columns(cs.float().round(_DIGITS), features_as_of_date=pl.lit(as_of), scored_at=pl.lit(now))


def _made_from(home: Home, params: Params) -> dict[str, object]:
    return {**forecasts_told(home), "params_version": params.version("demand")}
