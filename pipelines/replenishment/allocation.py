"""Allocation: which stores get the units of a centre that has fewer than they all need.

Fair share by marginal value belongs here: each unit goes where it is worth most, which evens out the chance of running out, weighted by
margin. What stores need follows from their targets (targets.py).
"""

from __future__ import annotations

import polars as pl

from pipelines.replenishment.marginals import units_more

__all__ = ["allocated"]


def allocated(needs: pl.DataFrame, available: pl.DataFrame) -> pl.DataFrame:
    """The needs with `allocated_units`: all that is needed where the centre has enough, else its most valuable share.

    `needs` has one row per article and site: article_id, site_id, centre_id, need_units, and the columns of units_more; `available` has
    article_id, centre_id and available_units. A centre that is not named has nothing. Of units worth the same, the site that has got less
    so far comes first, then the smaller site_id.
    """
    units = units_more(needs, pl.col("need_units")).join(available, on=["article_id", "centre_id"], how="left")
    ranked = units.sort(
        "article_id", "centre_id", "unit_value", "unit_number", "site_id", descending=[False, False, True, False, False]
    ).with_columns(rank=pl.int_range(pl.len()).over("article_id", "centre_id"))
    given = (
        ranked.filter(pl.col("rank") < pl.col("available_units").fill_null(0))
        .group_by("article_id", "site_id")
        .agg(allocated_units=pl.len())
    )
    return needs.join(given, on=["article_id", "site_id"], how="left", maintain_order="left").with_columns(
        pl.col("allocated_units").fill_null(0).cast(pl.Int32)
    )
