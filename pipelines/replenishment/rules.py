"""Rules: what planners know of a display, a pack, a shelf or a cost, brought to the article and site that it holds for.

Which of several rules speaks belongs here; what follows from it does not (targets.py).
"""

from __future__ import annotations

import polars as pl

__all__ = ["RULED", "with_rules"]

RULED = ("display_units", "pack_units", "capacity_units", "asked_fill_share", "holding_share_per_year", "margin_share")
"""What a rule may say; where none does, params.yaml speaks."""
_OF_SHELVES = ("display_units", "capacity_units")
"""Said of all sites, these mean the shelves of stores; a centre has them only where a rule names it."""
_EVERY = "*"
_MOST_SPECIAL_FIRST = (("article_id", "site_id"), ("article_id",), ("site_id",), ())
"""An article's pack is the same at every site, so that a rule of an article comes before one of a site."""


def with_rules(series: pl.DataFrame, rules: pl.DataFrame, day: pl.Expr) -> pl.DataFrame:
    """The series (article_id, site_id, site_kind) with a column per entry of RULED, null where no rule says anything of it.

    `rules` is the table stock_rules, `day` the day for which a series is planned. Of the rules that hold on it the most special that says
    something speaks, column by column; of equally special ones the one that began to hold last.
    """
    planned = series.with_row_index("_row").with_columns(day.alias("_day"))
    told = []
    for rank, keys in enumerate(_MOST_SPECIAL_FIRST):
        is_of_kind = [(pl.col(key) != _EVERY) == (key in keys) for key in ("article_id", "site_id")]
        of_kind = rules.filter(*is_of_kind).select(*keys, "valid_from_date", "valid_to_date", *RULED)
        places = planned.select("_row", "_day", "site_kind", *keys)
        found = places.join(of_kind, on=keys, how="inner") if keys else places.join(of_kind, how="cross")
        if "site_id" not in keys:
            is_store = pl.col("site_kind") == "store"
            found = found.with_columns(pl.when(is_store).then(pl.col(name)).alias(name) for name in _OF_SHELVES)
        told.append(found.select("_row", "_day", "valid_from_date", "valid_to_date", *RULED, rank=pl.lit(rank)))
    holding = pl.concat(told).filter(pl.col("_day").is_between("valid_from_date", "valid_to_date"))
    ordered = holding.sort("rank", "valid_from_date", descending=[False, True])
    spoken = ordered.group_by("_row", maintain_order=True).agg(pl.col(name).drop_nulls().first() for name in RULED)
    return planned.join(spoken, on="_row", how="left", maintain_order="left").drop("_row", "_day")
