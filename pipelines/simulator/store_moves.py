"""Moves of unsold units: back room and sales floor, transfers between stores, goods that get lost in a store.

About 8 % of units see the back room, 4 % change the store before they are sold, half of those in two steps (303, 305); none
changes it where stores order by levels, since demand is met from their own shelves there.
What customers do is in selling.py; which differences a count finds is in counting.py.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from pipelines.simulator.config import SimulationConfig
from pipelines.simulator.events import BACK_ROOM, FLOOR, IN_TRANSIT, Kind, at, moves
from pipelines.simulator.faults import FaultPlan
from pipelines.simulator.master import CENTRES, Master
from pipelines.simulator.supply import Units

__all__ = ["store_moves"]


def store_moves(
    config: SimulationConfig, master: Master, *, units: Units, arrival: np.ndarray, plan: FaultPlan
) -> tuple[list[pl.DataFrame], np.ndarray]:
    """Events of moved units, and the site at which each unit will be sold.

    Sets `plan.units["placement_missing"]`: transferred in two steps, and the second was never posted.
    """
    rng = config.rng("store_moves")
    draw = rng.random(len(units))
    able = plan.free & (arrival >= 0) & (units.sale_day - arrival >= 4)
    frames = _back_room(rng, np.flatnonzero(able & (draw < 0.08)), units=units, arrival=arrival)
    frames.append(_loss(rng, units=units, arrival=arrival, plan=plan))
    unit = np.flatnonzero(able & (draw > (0.96 if config.replenishment == "as_sold" else 1.0)))
    target = rng.integers(CENTRES, CENTRES + config.stores, len(unit))
    day = arrival[unit] + 1 + (rng.random(len(unit)) * (units.sale_day[unit] - arrival[unit] - 3)).astype(np.int64)
    possible = (target != units.site[unit]) & (master.sites.go_live[target] < day)
    unit, target, day = unit[possible], target[possible], day[possible]
    two_steps = rng.random(len(unit)) < 0.5
    pool = np.flatnonzero(two_steps & (day <= config.days - 6))
    count = min(len(pool), max(config.faults.minimum, round(config.faults.placement_missing * len(pool))))
    missing = np.zeros(len(unit), dtype=bool)
    missing[rng.choice(pool, count, replace=False)] = True
    plan.units["placement_missing"] = unit[missing]
    plan.free[unit] = False
    sale_site = units.site.copy()
    sale_site[unit] = target
    return [
        *frames,
        *_transfers(rng, unit, target, day=day, two_steps=two_steps, missing=missing, units=units),
    ], sale_site


def _back_room(rng: np.random.Generator, unit: np.ndarray, *, units: Units, arrival: np.ndarray) -> list[pl.DataFrame]:
    site = units.site[unit]
    back = arrival[unit] + 1 + (rng.random(len(unit)) * (units.sale_day[unit] - arrival[unit])).astype(np.int64)
    away = moves(
        Kind.TO_BACK_ROOM,
        unit,
        at(rng, Kind.TO_BACK_ROOM, arrival[unit]),
        site=site,
        to_site=site,
        to_location=BACK_ROOM,
    )
    again = moves(
        Kind.TO_FLOOR,
        unit,
        at(rng, Kind.TO_FLOOR, back),
        site=site,
        location=BACK_ROOM,
        to_site=site,
        to_location=FLOOR,
    )
    return [away, again]


def _loss(rng: np.random.Generator, *, units: Units, arrival: np.ndarray, plan: FaultPlan) -> pl.DataFrame:
    unit = plan.units["store_loss"]
    day = arrival[unit] + 1 + (rng.random(len(unit)) * (units.sale_day[unit] - arrival[unit] - 1)).astype(np.int64)
    return moves(Kind.VANISH, unit, at(rng, Kind.VANISH, day), site=units.site[unit])


def _transfers(
    rng: np.random.Generator,
    unit: np.ndarray,
    target: np.ndarray,
    *,
    day: np.ndarray,
    two_steps: np.ndarray,
    missing: np.ndarray,
    units: Units,
) -> list[pl.DataFrame]:
    site = units.site[unit]
    out_at = at(rng, Kind.MOVE, day)
    in_at = at(rng, Kind.PLACE, day + 1 + rng.integers(0, 2, len(unit)))
    one, two = ~two_steps, two_steps
    return [
        moves(Kind.MOVE, unit[one], out_at[one], site=site[one], to_site=target[one], to_location=FLOOR),
        moves(Kind.REMOVE, unit[two], out_at[two], site=site[two], to_site=target[two], to_location=IN_TRANSIT),
        moves(
            Kind.PLACE,
            unit[two],
            in_at[two],
            site=target[two],
            to_site=target[two],
            to_location=FLOOR,
            posted=~missing[two],
            reference=site[two],
        ),
    ]
