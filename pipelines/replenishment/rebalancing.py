"""Rebalancing: which units to move between stores before any are bought, each named by its serial number.

Who gives, who gets, and which units go belong here, frame in, frame out; how a proposal is written and kept does not (proposing.py).
A move gains the lost sales that it avoids at the receiver, less those that it risks at the giver, less what it costs.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from pipelines.replenishment.marginals import units_more, units_spare

__all__ = ["MoveCosts", "moves", "named_units"]


@dataclass(frozen=True)
class MoveCosts:
    """Money a unit and a shipment (all units from one site to another), and the least gain of a unit that is worth proposing."""

    unit: float
    shipment: float
    minimum_gain: float


def moves(places: pl.DataFrame, costs: MoveCosts) -> pl.DataFrame:
    """One row per article, giver and receiver: units, value_gained, value_risked, transfer_cost, net_gain, money.

    `places` has one row per article and site: article_id, site_id, position_units, spare_units (of them, those that may be moved),
    need_units (that it may get), mean_units and variance_units of demand until regular stock can come, lost_margin.

    The most valuable unit wanted is matched with the cheapest one to give, article by article, as long as it pays. Values fall with every
    unit, and a unit costs the same on every lane, so that no other choice of units gains more; a site is never both. A shipment that does
    not earn its own cost over all its articles is left out.
    """
    wanted = _ranked(units_more(places, pl.col("need_units")), descending=True).rename({"site_id": "to_site_id", "unit_value": "gained"})
    spare = _ranked(units_spare(places, pl.min_horizontal("spare_units", "position_units")), descending=False)
    spare = spare.rename({"site_id": "from_site_id", "unit_value": "risked"}).select("article_id", "rank", "from_site_id", "risked")
    matched = wanted.select("article_id", "rank", "to_site_id", "gained").join(spare, on=["article_id", "rank"])
    paying = matched.filter(pl.col("gained") - pl.col("risked") - costs.unit >= costs.minimum_gain)
    lines = paying.group_by("article_id", "from_site_id", "to_site_id").agg(
        units=pl.len().cast(pl.Int32), value_gained=pl.col("gained").sum(), value_risked=pl.col("risked").sum()
    )
    shipment = ["from_site_id", "to_site_id"]
    in_shipment = pl.col("units").sum().over(shipment)
    shared = lines.with_columns(transfer_cost=pl.col("units") * (costs.unit + costs.shipment / in_shipment))
    net = shared.with_columns(net_gain=pl.col("value_gained") - pl.col("value_risked") - pl.col("transfer_cost"))
    return net.filter(pl.col("net_gain").sum().over(shipment) > 0).sort("from_site_id", "to_site_id", "article_id")


def named_units(proposed: pl.DataFrame, units: pl.DataFrame) -> pl.DataFrame:
    """One row per unit to move, oldest first: the proposed lines with serial_number and the columns of `units`.

    `units` has one row per unit that may be moved: article_id, site_id, serial_number, since_date (its first day at the site). A line for
    which a site has too few units gets those that it has.
    """
    first = ["since_date", "serial_number"]
    numbered = units.sort("article_id", "site_id", *first).with_columns(number=pl.int_range(pl.len()).over("article_id", "site_id"))
    until = pl.col("units").cum_sum().over("article_id", "from_site_id")
    lines = proposed.sort("article_id", "from_site_id", "net_gain", "to_site_id", descending=[False, False, True, False])
    each = (
        lines.with_columns(number=pl.int_ranges(until - pl.col("units"), until))
        .explode("number")
        .with_columns(pl.col("number").cast(pl.Int64))
    )
    return each.join(
        numbered.rename({"site_id": "from_site_id"}).with_columns(pl.col("number").cast(pl.Int64)),
        on=["article_id", "from_site_id", "number"],
    ).drop("number")


def _ranked(units: pl.DataFrame, *, descending: bool) -> pl.DataFrame:
    order = ["article_id", "unit_value", "unit_number", "site_id"]
    ranked = units.sort(order, descending=[False, descending, False, False])
    return ranked.with_columns(rank=pl.int_range(pl.len()).over("article_id"))
