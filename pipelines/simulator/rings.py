"""Theft rings: units that bounce between three stores by sale, return and transfer, nine to eleven moves in nine days.

The script of a ring belongs here; which units take part is decided in faults.py. Ordinary sales are in selling.py.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from pipelines.simulator.config import DAY_SECONDS, SimulationConfig
from pipelines.simulator.demand import Campaigns
from pipelines.simulator.events import FLOOR, HOLD, Kind, at, moves
from pipelines.simulator.faults import FaultPlan
from pipelines.simulator.master import CENTRES, Master
from pipelines.simulator.selling import return_events, sale_events, sell
from pipelines.simulator.supply import Units

__all__ = ["ring_life", "ring_sites"]

_SCRIPT = (
    # day, what happens, which store of the ring (0, 1, 2)
    (0, "sale", 0),
    (1, "return", 1),
    (2, "restock", 1),
    (2, "transfer", 1),
    (3, "sale", 2),
    (4, "return", 0),
    (5, "restock", 0),
    (5, "sale", 0),
    (6, "return", 2),
    (7, "restock", 2),
    (8, "sale", 2),
)


def ring_sites(config: SimulationConfig, ring: np.ndarray, role: int) -> np.ndarray:
    """Store that plays `role` in each ring: the ring's first store and the two after it."""
    return CENTRES + (ring + role) % config.stores


def ring_life(
    config: SimulationConfig,
    master: Master,
    *,
    campaigns: Campaigns,
    units: Units,
    plan: FaultPlan,
    first_sale: int,
    first_return: int,
) -> tuple[list[pl.DataFrame], pl.DataFrame, pl.DataFrame]:
    """Events, sales and returns of all ring units; row numbers of sales and returns start as given."""
    rng = config.rng("rings")
    unit = plan.units["ring"]
    start, buyer = units.sale_day[unit], plan.ring * 3 + 1
    offer = {"unit": unit, "variant": units.variant[unit]}
    events: list[pl.DataFrame] = []
    sales: list[pl.DataFrame] = []
    returns: list[pl.DataFrame] = []
    for offset, action, role in _SCRIPT:
        site, day = ring_sites(config, plan.ring, role), start + offset
        if action == "sale":
            used = np.full(len(unit), offset > 0)
            sold = sell(config, master, campaigns=campaigns, rng=rng, site=site, day=day, used=used, **offer)
            sales.append(sold.with_columns(customer=pl.Series(buyer + offset % 3)))
            events.append(sale_events(sold, mistyped=np.zeros(len(units), dtype=bool)))
        elif action == "return":
            sale = first_sale + (len(sales) - 1) * len(unit)
            back = _hand_back(sales[-1], site=site, day=day, sale=sale, rng=rng)
            events += _put_aside(back, first_row=first_return + len(returns) * len(unit), rng=rng)
            returns.append(back)
        elif action == "restock":
            shelf = {"site": site, "location": HOLD, "to_site": site, "to_location": FLOOR}
            events.append(moves(Kind.FROM_HOLD, unit, at(rng, Kind.FROM_HOLD, day), used=True, **shelf))
        else:
            way = {"site": site, "to_site": ring_sites(config, plan.ring, role + 1), "to_location": FLOOR}
            events.append(moves(Kind.MOVE, unit, at(rng, Kind.MOVE, day), used=True, **way))
    return events, pl.concat(sales), pl.concat(returns)


def _hand_back(sold: pl.DataFrame, *, site: np.ndarray, day: np.ndarray, sale: int, rng: np.random.Generator) -> pl.DataFrame:
    zero = np.zeros(len(sold), dtype=np.int64)
    return pl.DataFrame(
        {
            "sale": np.arange(sale, sale + len(sold)),
            "unit": sold["unit"],
            "variant": sold["variant"],
            "site": site,
            "time": at(rng, Kind.RETURN, day),
            "customer": sold["customer"],
            "price": sold["price"],
            "reason": zero,
            "condition": zero,
            "disposition": zero,
        }
    )


def _put_aside(back: pl.DataFrame, *, first_row: int, rng: np.random.Generator) -> list[pl.DataFrame]:
    unit, site, day = back["unit"].to_numpy(), back["site"].to_numpy(), back["time"].to_numpy() // DAY_SECONDS
    kept = {"site": site, "to_site": site, "used": True}
    row = np.arange(first_row, first_row + len(unit))
    look = moves(Kind.INSPECT, unit, at(rng, Kind.INSPECT, day), to_location=FLOOR, reference=row, posted=False, **kept)
    return [return_events(back), look, moves(Kind.TO_HOLD, unit, at(rng, Kind.TO_HOLD, day), to_location=HOLD, **kept)]
