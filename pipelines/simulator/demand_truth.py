"""Truth of demand: what customers asked for, what they got, and the levels that decided it.

Only worlds whose stores order by levels have it; in others demand is what is sold. The flow itself is in replenishing.py.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from pipelines.simulator.arrays import days_to_dates
from pipelines.simulator.life import NEVER_SOLD
from pipelines.simulator.replenishing import flow_frame, settings_frame
from pipelines.simulator.story import Story

__all__ = ["demand_truth"]


def demand_truth(story: Story) -> dict[str, pl.DataFrame]:
    """`demand`: one row per article, site and day from the start of the series on, with demand = sold + lost in units, and
    whether the shelf was empty in the evening; `replenishment_levels`: the levels by the day from which they held. Empty where
    stores do not order by levels.

    A unit that a fault has taken is not sold: its customer is lost, too, though the flow still counts on it. Used units that are
    sold again are no demand here.
    """
    if story.flow is None:
        return {}
    missed = _missed(story)
    rows = flow_frame(story.config, story.master, story.drawn, story.flow).join(missed, on=["article", "site", "ds"], how="left")
    sold = pl.col("sold") - pl.col("missed").fill_null(0).cast(pl.Int32)
    demand = rows.select(
        "article",
        "site",
        sales_date="ds",
        demand="demand",
        sold=sold,
        lost=pl.col("demand") - sold,
        is_stock_out="is_stock_out",
        expected_demand="expected_demand",
    )
    return {"demand": demand, "replenishment_levels": settings_frame(story.config, story.master, story.flow)}


def _missed(story: Story) -> pl.DataFrame:
    """Planned sales whose unit a fault has taken: article, site, ds, missed."""
    unit = np.flatnonzero(story.plan.is_one(*NEVER_SOLD))
    taken = {
        "article": story.master.articles.plain.gather(pl.Series(story.units.variant[unit])),
        "site": story.master.sites.code.gather(pl.Series(story.units.site[unit])),
        "ds": days_to_dates(story.start, story.units.sale_day[unit]),
    }
    return pl.DataFrame(taken).group_by("article", "site", "ds").agg(missed=pl.len())
