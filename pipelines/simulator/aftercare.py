"""Aftercare: what becomes of returned units - restocked, repaired, sent back to the maker or scrapped.

A returned unit is inspected and put into the hold bucket 0006 the same evening; from there it goes on after days. The
second repair vendor takes 1.5 times as long and charges a quarter more; 60 % of repairs end on a subcontracting order
(101 with 543), the others come back by 542. Returns themselves are in selling.py.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from pipelines.simulator.config import DAY_SECONDS
from pipelines.simulator.events import AT_VENDOR, FLOOR, HOLD, Kind, at, moves

__all__ = ["COMPONENTS", "FAULT_CODES", "OUTCOMES", "care_for_returns"]

OUTCOMES = pl.Series(["repaired", "no_fault_found", "beyond_repair", "exchanged"])
COMPONENTS = pl.Series(["battery", "display", "mainboard", "charging_port"])
FAULT_CODES = pl.Series(["BAT01", "DSP02", "MBD03", "CHP04"])


def care_for_returns(
    returns: pl.DataFrame, *, first_row: int, bad: np.ndarray, rng: np.random.Generator, sold_again: float = 0.85
) -> tuple[list[pl.DataFrame], pl.DataFrame, pl.DataFrame]:
    """Events after these returns; units that are for sale again (unit, variant, site, day); repairs (unit, vendor,
    days, outcome, cost).

    `first_row` is the number of the first return among all, which inspections refer to; `sold_again` the share of the units on sale
    again that somebody buys.
    """
    unit, site = returns["unit"].to_numpy(), returns["site"].to_numpy()
    day = returns["time"].to_numpy() // DAY_SECONDS
    kept = {"site": site, "to_site": site, "used": True}
    row = np.arange(first_row, first_row + len(unit))
    look = moves(Kind.INSPECT, unit, at(rng, Kind.INSPECT, day), to_location=FLOOR, reference=row, posted=False, **kept)
    aside = moves(Kind.TO_HOLD, unit, at(rng, Kind.TO_HOLD, day), to_location=HOLD, **kept)
    decided = pl.DataFrame({"unit": unit, "variant": returns["variant"], "site": site, "day": day, "disposition": returns["disposition"]})
    part = [decided.filter(pl.col("disposition") == code).drop("disposition") for code in range(4)]
    restock, on_sale = _restock(part[0], rng)
    repair, on_sale_too, repairs = _repair(part[1], bad=bad, rng=rng)
    away = [_leave(part[2], Kind.VENDOR_RETURN, (2, 8), rng), _leave(part[3], Kind.SCRAP, (1, 4), rng)]
    offered = pl.concat([on_sale, on_sale_too])
    return [look, aside, *restock, *repair, *away], offered.filter(pl.Series(rng.random(len(offered)) < sold_again)), repairs


def _columns(frame: pl.DataFrame) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return frame["unit"].to_numpy(), frame["site"].to_numpy(), frame["day"].to_numpy()


def _restock(part: pl.DataFrame, rng: np.random.Generator) -> tuple[list[pl.DataFrame], pl.DataFrame]:
    unit, site, day = _columns(part)
    back = day + rng.integers(1, 7, len(unit))
    event = moves(
        Kind.FROM_HOLD,
        unit,
        at(rng, Kind.FROM_HOLD, back),
        site=site,
        location=HOLD,
        to_site=site,
        to_location=FLOOR,
        used=True,
    )
    return [event], part.with_columns(day=pl.Series(back))


def _leave(part: pl.DataFrame, kind: Kind, wait: tuple[int, int], rng: np.random.Generator) -> pl.DataFrame:
    unit, site, day = _columns(part)
    return moves(kind, unit, at(rng, kind, day + rng.integers(*wait, len(unit))), site=site, location=HOLD, used=True)


def _repair(part: pl.DataFrame, *, bad: np.ndarray, rng: np.random.Generator) -> tuple[list[pl.DataFrame], pl.DataFrame, pl.DataFrame]:
    """Events of units sent to repair, those that are for sale again, and the repairs."""
    unit, _, day = _columns(part)
    count = len(unit)
    vendor = rng.integers(0, 2, count)
    out = day + rng.integers(1, 6, count)
    back = out + (rng.integers(6, 18, count) * np.where(vendor == 1, 3, 2)) // 2
    fixed = rng.random(count) < 0.6
    outcome = np.where(fixed, rng.choice([0, 0, 0, 3], count), rng.choice([1, 1, 2], count))
    component = np.where(bad[unit], 0, rng.integers(0, 4, count))
    cost = (rng.integers(2_500, 16_000, count) * np.where(vendor == 1, 5, 4) // 4) * (outcome != 1) + 1_500
    again = part.with_columns(day=pl.Series(back))
    restock, on_sale = _restock(again.filter(pl.Series(outcome == 1)), rng)
    scrap = _leave(again.filter(pl.Series(outcome == 2)), Kind.SCRAP, (1, 4), rng)
    repairs = part.select("unit", "variant").with_columns(
        vendor=pl.Series(vendor),
        out=pl.Series(out),
        back=pl.Series(back),
        outcome=pl.Series(outcome),
        component=pl.Series(component),
        cost=pl.Series(cost),
    )
    trips = _trips(part, vendor=vendor, out=out, back=back, fixed=fixed, rng=rng)
    return [*trips, *restock, scrap], pl.concat([again.filter(pl.Series(fixed)), on_sale]), repairs


def _trips(
    part: pl.DataFrame,
    *,
    vendor: np.ndarray,
    out: np.ndarray,
    back: np.ndarray,
    fixed: np.ndarray,
    rng: np.random.Generator,
) -> list[pl.DataFrame]:
    """Out to the vendor; back to the sales floor when fixed, to the hold bucket otherwise."""
    unit, site, _ = _columns(part)
    away = {"to_site": site, "to_location": AT_VENDOR, "used": True, "reference": vendor}
    frames = [moves(Kind.TO_VENDOR, unit, at(rng, Kind.TO_VENDOR, out), site=site, location=HOLD, **away)]
    for kind, row, place in ((Kind.REPAIRED, fixed, FLOOR), (Kind.FROM_VENDOR, ~fixed, HOLD)):
        home = {"site": site[row], "location": place, "to_site": site[row], "to_location": place}
        time = at(rng, kind, back[row])
        frames.append(moves(kind, unit[row], time, used=True, reference=vendor[row], **home))
    return frames
