"""Inflow: how units reach the stores' shelves, from opening stock, vendors and centres, with what goes wrong on the
way.

Events up to the store's receipt belong here. Which units go wrong is decided in faults.py; sales and all that follows
are in selling.py and aftercare.py.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from pipelines.simulator.config import SimulationConfig
from pipelines.simulator.documents import Deliveries, Inbound
from pipelines.simulator.events import FLOOR, HOLD, IN_TRANSIT, Kind, at, moves
from pipelines.simulator.faults import FaultPlan
from pipelines.simulator.master import Master
from pipelines.simulator.supply import Units

__all__ = ["arrival_days", "damaged_events", "inflow_events"]


def arrival_days(master: Master, units: Units) -> np.ndarray:
    """Day on which each unit is first recorded at its store: its receipt, or the store's go-live."""
    return np.where(units.opening_store, master.sites.go_live[units.site], units.receipt)


def inflow_events(
    config: SimulationConfig, master: Master, *, units: Units, inbound: Inbound, deliveries: Deliveries, plan: FaultPlan
) -> list[pl.DataFrame]:
    """Events of all units up to their store: opening, centre receipt, issue, store receipt, and silent losses."""
    rng = config.rng("inflow")
    every = np.arange(len(units))
    loaded = ~plan.is_one("load_missing", "load_mistyped")
    frames = [_opening(rng, every[units.opening_store], units.site, master.sites.go_live[units.site], loaded)]
    frames.append(_opening(rng, every[units.opening_centre], units.centre, np.zeros(len(units), dtype=np.int64), loaded))
    arrives = (units.inbound >= 0) & ~plan.is_one("short_inbound")
    unit = every[arrives]
    time = at(rng, Kind.CENTRE_RECEIPT, inbound.received[units.inbound[unit]])
    place = {"site": units.centre[unit], "to_site": units.centre[unit], "to_location": FLOOR}
    frames.append(moves(Kind.CENTRE_RECEIPT, unit, time, reference=units.inbound[unit], **place))
    unit = plan.units["short_inbound"]
    frames.append(moves(Kind.VANISH, unit, at(rng, Kind.VANISH, units.vendor_sent[unit]), site=units.centre[unit]))
    unit = plan.units["centre_loss"]
    frames.append(moves(Kind.VANISH, unit, at(rng, Kind.VANISH, units.centre_received[unit] + 2), site=units.centre[unit]))
    return [*frames, *_to_store(rng, every, units=units, deliveries=deliveries, plan=plan)]


def damaged_events(rng: np.random.Generator, *, units: Units, plan: FaultPlan) -> list[pl.DataFrame]:
    """What stores do with units that a carrier damaged: inspect, put aside, scrap two days later."""
    unit = plan.units["damaged"]
    site, day = units.site[unit], units.receipt[unit]
    look = moves(
        Kind.INSPECT,
        unit,
        at(rng, Kind.INSPECT, day),
        site=site,
        to_site=site,
        to_location=FLOOR,
        reference=-2,
        posted=False,
    )
    aside = moves(Kind.TO_HOLD, unit, at(rng, Kind.TO_HOLD, day), site=site, to_site=site, to_location=HOLD)
    scrap = moves(Kind.SCRAP, unit, at(rng, Kind.SCRAP, day + 2), site=site, location=HOLD)
    return [look, aside, scrap]


def _opening(rng: np.random.Generator, unit: np.ndarray, site: np.ndarray, day: np.ndarray, loaded: np.ndarray) -> pl.DataFrame:
    place = {"site": site[unit], "to_site": site[unit], "to_location": FLOOR}
    return moves(Kind.OPENING, unit, at(rng, Kind.OPENING, day[unit]), **place, posted=loaded[unit])


def _to_store(rng: np.random.Generator, every: np.ndarray, *, units: Units, deliveries: Deliveries, plan: FaultPlan) -> list[pl.DataFrame]:
    """Issue and receipt. Units that no document announces leave unseen; those that stay behind are announced all the
    same.
    """
    leaves = (units.delivery >= 0) & ~plan.is_one("short_inbound", "centre_loss")
    unit = every[leaves]
    delivery = units.delivery[unit]
    issued = moves(
        Kind.ISSUE,
        unit,
        deliveries.issued_at[delivery],
        site=units.centre[unit],
        to_site=units.site[unit],
        to_location=IN_TRANSIT,
        reference=delivery,
        posted=~plan.is_one("over_delivery", "wrong_came")[unit],
        physical=~plan.is_one("wrong_sent", "short_delivery")[unit],
    )
    comes = leaves & ~plan.is_one("short_delivery", "lost", "wrong_sent")
    unit = every[comes]
    received = moves(
        Kind.STORE_RECEIPT,
        unit,
        at(rng, Kind.STORE_RECEIPT, units.receipt[unit]),
        site=units.site[unit],
        to_site=units.site[unit],
        to_location=FLOOR,
        reference=units.delivery[unit],
        posted=~plan.is_one("receipt_not_posted", "mistyped_receipt")[unit],
    )
    unit = np.concatenate([plan.units["short_delivery"], plan.units["lost"]])
    unit = unit[leaves[unit]]
    gone = moves(Kind.VANISH, unit, deliveries.issued_at[units.delivery[unit]] + 3600, site=units.centre[unit])
    return [issued, received, gone]
