"""Life: puts together everything that happens to all units within the horizon.

The order of the chapters belongs here: inflow, moves in stores, sales, returns, aftercare, resale, rings, counts.
Each chapter is a module of its own; documents and files are made from the result in feeds_*.py.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from pipelines.simulator.aftercare import care_for_returns
from pipelines.simulator.arrays import sorted_by
from pipelines.simulator.config import LOOKAHEAD_DAYS, SimulationConfig
from pipelines.simulator.counting import counted_at_cut_over, counted_units, plan_counts
from pipelines.simulator.demand import Campaigns
from pipelines.simulator.differences import find_differences, leave_unposted
from pipelines.simulator.documents import Deliveries, Inbound
from pipelines.simulator.events import Kind
from pipelines.simulator.faults import FaultPlan
from pipelines.simulator.inflow import arrival_days, damaged_events, inflow_events
from pipelines.simulator.master import Master
from pipelines.simulator.rings import ring_life
from pipelines.simulator.selling import bring_back, return_events, sale_events, sell
from pipelines.simulator.store_moves import store_moves
from pipelines.simulator.supply import Units

__all__ = ["NEVER_SOLD", "Life", "live"]

NEVER_SOLD = (
    "short_delivery",
    "short_inbound",
    "lost",
    "damaged",
    "wrong_sent",
    "store_loss",
    "centre_loss",
    "ring",
    "placement_missing",
)
_SOLD_FOR_GOOD = ("mistyped_sale", "cloned_sold", "cloned_returned", "mistyped_receipt", "receipt_not_posted")


@dataclass(frozen=True)
class Life:
    """Events sorted by unit and time, sales, returns and repairs by row number, and the units that counts found.

    Events and counts lie within the horizon; sales, returns and repairs may reach beyond it, so that their row
    numbers stay valid.
    """

    events: pl.DataFrame
    sales: pl.DataFrame
    returns: pl.DataFrame
    repairs: pl.DataFrame
    counted: pl.DataFrame


def live(
    config: SimulationConfig,
    master: Master,
    *,
    campaigns: Campaigns,
    units: Units,
    inbound: Inbound,
    deliveries: Deliveries,
    plan: FaultPlan,
) -> Life:
    """Everything that happens within the horizon."""
    arrival = arrival_days(master, units)
    rng = config.rng("trade")
    events = inflow_events(config, master, units=units, inbound=inbound, deliveries=deliveries, plan=plan)
    events += damaged_events(rng, units=units, plan=plan)
    moved, sale_site = store_moves(config, master, units=units, arrival=arrival, plan=plan)
    trade, sales, returns, repairs = _trade(config, master, campaigns=campaigns, units=units, site=sale_site, plan=plan, rng=rng)
    ring_events, ring_sales, ring_returns = ring_life(
        config, master, campaigns=campaigns, units=units, plan=plan, first_sale=len(sales), first_return=len(returns)
    )
    happened = pl.concat([*events, *moved, *trade, *ring_events]).filter(pl.col("time") < config.end_second)
    counts = plan_counts(config, master)
    differences = find_differences(config, counts, happened, units=units, plan=plan)
    found = differences.filter((pl.col("kind") == int(Kind.GAIN)) & pl.col("physical"))
    ordered = leave_unposted(config, sorted_by(pl.concat([happened, differences]), "unit", "time"))
    counted = counted_units(config, counts, events=ordered, rng=config.rng("counts"))
    cut_over = counted_at_cut_over(ordered, config.rng("cut_over"))
    again = found.select(pl.col("unit"), pl.col("site").cast(pl.Int64), pl.col("time").cast(pl.Int64) - 1200)
    return Life(
        ordered,
        pl.concat([sales, ring_sales]),
        pl.concat([returns, ring_returns]),
        repairs,
        pl.concat([counted, again, cut_over]),
    )


def _trade(
    config: SimulationConfig,
    master: Master,
    *,
    campaigns: Campaigns,
    units: Units,
    site: np.ndarray,
    plan: FaultPlan,
    rng: np.random.Generator,
):
    """Three rounds of sale, return and aftercare; a unit that is on sale again finds a buyer within 25 days, or on the next day
    and each of them where stores order by levels: a shelf that has run empty is to look empty.
    """
    bad, final = plan.is_one("bad_batch"), plan.is_one(*_SOLD_FOR_GOOD)
    mistyped = plan.is_one("mistyped_sale")
    unit = np.flatnonzero(~plan.is_one(*NEVER_SOLD))
    offer = {"unit": unit, "variant": units.variant[unit], "site": site[unit], "day": units.sale_day[unit]}
    events: list[pl.DataFrame] = []
    sales: list[pl.DataFrame] = []
    returns: list[pl.DataFrame] = []
    repairs: list[pl.DataFrame] = []
    for cycle in range(3):
        sold = sell(config, master, campaigns=campaigns, rng=rng, used=np.full(len(offer["unit"]), cycle > 0), **offer)
        events.append(sale_events(sold, mistyped=mistyped))
        last = np.ones(len(units), dtype=bool) if cycle == 2 else final
        back = bring_back(config, master, sales=sold, first_row=sum(map(len, sales)), bad=bad, final=last, rng=rng)
        lasting = {} if config.replenishment == "as_sold" else {"sold_again": 1.0}
        cared, again, repaired = care_for_returns(back, first_row=sum(map(len, returns)), bad=bad, rng=rng, **lasting)
        events += [return_events(back), *cared]
        sales.append(sold)
        returns.append(back)
        repairs.append(repaired)
        waits = rng.integers(1, 26, len(again))
        day = again["day"].to_numpy() + (waits if config.replenishment == "as_sold" else 1)
        inside = day < config.days + LOOKAHEAD_DAYS
        offer = {name: again[name].to_numpy()[inside] for name in ("unit", "variant", "site")} | {"day": day[inside]}
    return events, pl.concat(sales), pl.concat(returns), pl.concat(repairs)
