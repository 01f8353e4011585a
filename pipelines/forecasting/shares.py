"""Shares: which colours, storage sizes or variants make up an article's demand, by place.

Each share is drawn towards what it should resemble, the less is sold the more: an article's towards its category's, a place's towards the
article's (Dirichlet-multinomial, with the concentration found by the method of moments: Mosimann 1962, Biometrika 49). They split a
forecast from the top down, and are shown to people. Give demand made right (censoring.py), or what sold out looks unloved.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import polars as pl

__all__ = ["attribute_shares", "split_by_shares"]

_WIDEST, _NARROWEST = 0.9, 1e-4
"""Bounds of the intra-class correlation 1 / (1 + concentration): beyond them nothing, or everything, is believed of the prior."""


def attribute_shares(
    demand: pl.DataFrame,
    attributes: Sequence[str],
    *,
    parent: str,
    category: str,
    place: str | None = None,
    until: date | None = None,
    window_days: int = 182,
    units: str = "y",
) -> pl.DataFrame:
    """One row per parent, place, attribute and value that the parent has: units, share (observed), expected_share (drawn in).

    `demand` holds ds, the units and the columns named; only the `window_days` up to `until` (default: all observed) count, so that nothing
    later enters. expected_share adds up to 1 over the values of a parent and place. Columns: parent and place under their own names,
    attribute, value, units, share (empty where nothing sold), expected_share.
    """
    last = until or demand.filter(pl.col(units).is_not_null())["ds"].max()
    # What a parent offers is a matter of its variants, not of what happened to sell in the window; nothing launched later is offered yet.
    known = demand.filter(pl.col("ds") <= last)
    recent = pl.when(pl.col("ds") > pl.lit(last).dt.offset_by(f"-{window_days}d")).then(pl.col(units)).fill_null(0.0)
    places = [place] if place else []
    frames = [
        known.group_by(category, parent, *places, pl.col(attribute).cast(pl.String).fill_null("unknown").alias("value"))
        .agg(recent.sum().alias("units"))
        .with_columns(pl.lit(attribute).alias("attribute"))
        for attribute in attributes
    ]
    return _shares(pl.concat(frames), category, parent, places)


def split_by_shares(forecasts: pl.DataFrame, shares: pl.DataFrame, keys: Sequence[str]) -> pl.DataFrame:
    """The parents' forecasts, one row per value of `shares` (of one attribute): expected_units times expected_share.

    `keys` are the columns (parent, place) that both frames hold. The parts add up to the parent's forecast. Quantiles are left out, for a
    share of a quantile is none.
    """
    parts = forecasts.select(pl.exclude("^units_p..$")).join(shares.select(*keys, "value", "expected_share"), on=list(keys))
    return parts.with_columns(pl.col("expected_units") * pl.col("expected_share")).drop("expected_share")


def _shares(counts: pl.DataFrame, category: str, parent: str, places: list[str]) -> pl.DataFrame:
    group, article = ["attribute", category], ["attribute", category, parent]
    by_article = counts.group_by(*article, "value").agg(pl.col("units").sum())
    total = by_article.group_by(*group, "value").agg(pl.col("units").sum().alias("prior"))
    # The category's share of a value counts only among the values that the article has; half a unit keeps a new value alive.
    offered = by_article.join(total, on=[*group, "value"]).with_columns(pl.col("prior") + 0.5)
    found = _drawn_in(offered, article, group)
    if places:
        prior = found.select(*article, "value", pl.col("expected_share").alias("prior"))
        everywhere = counts.select(*article, *places).unique().join(prior, on=article)
        placed = everywhere.join(counts, on=[*article, *places, "value"], how="left").with_columns(pl.col("units").fill_null(0.0))
        found = _drawn_in(placed, [*article, *places], group)
    columns = [parent, *places, "attribute", "value", "units", "share", "expected_share"]
    return found.select(columns).sort(columns[:-3])


def _drawn_in(counts: pl.DataFrame, unit: list[str], group: list[str]) -> pl.DataFrame:
    """Shares of each unit drawn towards `prior`, with one concentration per group."""
    total = pl.col("units").sum().over(unit)
    frame = counts.with_columns((pl.col("prior") / pl.col("prior").sum().over(unit)).alias("prior"), total.alias("total"))
    frame = frame.with_columns(pl.when(pl.col("total") > 0).then(pl.col("units") / pl.col("total")).alias("share"))
    spread = frame.group_by(*group, *unit[len(group) :]).agg(
        pl.col("total").first(),
        (pl.col("share") - pl.col("prior")).pow(2).sum().alias("distance"),
        (1 - pl.col("prior").pow(2).sum()).alias("diversity"),
    )
    excess = (pl.col("total") * pl.col("distance") - pl.col("diversity")).sum()
    room = (pl.col("diversity") * (pl.col("total") - 1)).sum()
    correlation = pl.when(room > 0).then(excess / room).otherwise(_NARROWEST).clip(_NARROWEST, _WIDEST)
    concentration = spread.filter(pl.col("total") > 0).group_by(group).agg((1 / correlation - 1).alias("concentration"))
    known = frame.join(concentration, on=group, how="left").with_columns(pl.col("concentration").fill_null(1.0))
    drawn = (pl.col("units") + pl.col("concentration") * pl.col("prior")) / (pl.col("total") + pl.col("concentration"))
    return known.with_columns(drawn.alias("expected_share"))
