"""Allocation: which stores get the units of a centre that has fewer than they all need.

Fair share by marginal value belongs here: each unit goes where it is worth most, which evens out the chance of running out, weighted by
margin. What stores need follows from their targets (targets.py).
"""

from __future__ import annotations

import polars as pl

from pipelines.replenishment.marginals import units_more

__all__ = ["allocated"]


def allocated(needs: pl.DataFrame, available: pl.DataFrame) -> pl.DataFrame:
    """The needs with `allocated_units`: all that is needed where the centre has enough, else its most valuable share, in whole packs.

    `needs` has one row per article and site: article_id, site_id, centre_id, need_units, pack_units, and the columns of units_more;
    `available` has article_id, centre_id and available_units. A centre that is not named has nothing. Packs go by the value of their units
    on average; one that is more than what is left is passed over for the next that is not. Of packs worth the same, the site that has got
    less so far comes first, then the smaller site_id.
    """
    place, centre = ["article_id", "site_id"], ["article_id", "centre_id"]
    packs = (
        units_more(needs, pl.col("need_units"))
        .group_by(*place, "centre_id", pack_number=(pl.col("unit_number") - 1) // pl.col("pack_units"))
        .agg(units=pl.len().cast(pl.Int64), value=pl.col("unit_value").mean())
        .join(available.select(*centre, left=pl.col("available_units").cast(pl.Int64)), on=centre, how="inner")
        .sort(*centre, "value", "pack_number", "site_id", descending=[False, False, True, False, False])
    )
    given = packs.select(*place, "units").clear()
    while (packs := packs.filter(pl.col("units") <= pl.col("left"))).height:
        fits = packs.with_columns(fits=pl.col("units").cum_sum().over(centre) <= pl.col("left"))
        taken = pl.col("units").filter("fits").sum().over(centre)
        given = pl.concat([given, fits.filter("fits").select(*place, "units")])
        packs = fits.with_columns(left=pl.col("left") - taken).filter(~pl.col("fits")).drop("fits")
    summed = given.group_by(place).agg(allocated_units=pl.col("units").sum())
    return needs.join(summed, on=place, how="left", maintain_order="left").with_columns(
        pl.col("allocated_units").fill_null(0).cast(pl.Int32)
    )
