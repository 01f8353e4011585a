"""Faults: decides before anything happens which units and deliveries go wrong, and how.

The choice of victims belongs here, each unit in at most one fault; rates are FaultRates in config.py. What a fault
does to a unit is in inflow.py, store_moves.py and selling.py; faults of files are in delivery_faults.py, truth tables
in truth.py.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import polars as pl

from pipelines.simulator.config import SimulationConfig
from pipelines.simulator.documents import Deliveries
from pipelines.simulator.master import CENTRES, Master
from pipelines.simulator.supply import Units

__all__ = ["FaultPlan", "plan_faults"]

_MARGIN = 6
"""Days before the end of the horizon by which a planted fault must have shown itself."""
_MOST_PAIRS = 400


@dataclass
class FaultPlan:
    """Units by fault, as sorted index arrays; `is_one(kind)` gives the same as a mask.

    `wrong_sent` stayed at the centre while `wrong_came`, at the same position, lay in its delivery. `rings` has one
    row per ring unit. `load_elsewhere` was loaded at the site of the same position in `loaded_elsewhere_at`, too.
    """

    size: int
    units: dict[str, np.ndarray] = field(default_factory=dict)
    free: np.ndarray | None = None
    lost_deliveries: np.ndarray | None = None
    damaged_deliveries: np.ndarray | None = None
    ring: np.ndarray | None = None
    bad_batches: pl.DataFrame | None = None
    loaded_elsewhere_at: np.ndarray | None = None

    def is_one(self, *kinds: str) -> np.ndarray:
        """Mask of the units in any of these faults."""
        mask = np.zeros(self.size, dtype=bool)
        for kind in kinds:
            mask[self.units[kind]] = True
        return mask


def plan_faults(config: SimulationConfig, master: Master, *, units: Units, deliveries: Deliveries) -> FaultPlan:
    """Chooses all victims. Changes `units.delivery` and `units.receipt` of units that came in another's box."""
    rng, rates = config.rng("faults"), config.faults
    plan = FaultPlan(len(units), free=np.ones(len(units), dtype=bool))
    _plan_rings(config, master, plan, units=units, rng=rng)
    _plan_deliveries(config, plan, units=units, deliveries=deliveries, rng=rng)
    last = config.days - _MARGIN
    travels = (units.delivery >= 0) & (units.receipt <= last) & (units.issue > 2)
    inbound = (units.inbound >= 0) & (units.centre_received <= last)
    _plan_wrong_articles(config, plan, candidates=travels, units=units, rng=rng)
    arrival = np.where(units.opening_store, master.sites.go_live[units.site], units.receipt)
    sold = (units.sale_day <= last) & (arrival >= 0)
    rests = sold & (units.sale_day - arrival >= 4)
    at_centre = travels & (units.inbound >= 0) & (units.issue - units.centre_received >= 5)
    kinds = {
        "short_delivery": (travels, rates.short_delivery),
        "short_inbound": (inbound, rates.short_delivery / 2),
        "over_delivery": (travels, rates.over_delivery),
        "over_inbound": (inbound, rates.over_delivery / 2),
        "receipt_not_posted": (travels & sold, rates.receipt_not_posted),
        "mistyped_receipt": (travels & sold, rates.mistyped_receipt),
        "mistyped_sale": (sold, rates.mistyped_sale),
        "cloned_sold": (rests, rates.cloned_sold),
        "cloned_returned": (rests, rates.cloned_returned),
        "store_loss": (rests, rates.store_loss),
        "centre_loss": (at_centre, rates.centre_loss),
    }
    for kind, (candidates, rate) in kinds.items():
        _pick(plan, kind, candidates, rate=rate, minimum=rates.minimum, rng=rng)
    _plan_bad_batches(config, plan, units=units)
    _plan_loads(config, master, plan, units=units)
    return plan


def _pick(plan: FaultPlan, kind: str, candidates: np.ndarray, *, rate: float, minimum: int, rng: np.random.Generator) -> None:
    pool = np.flatnonzero(candidates & plan.free)
    count = min(len(pool), max(minimum, round(rate * int(candidates.sum()))))
    _take(plan, kind, np.sort(rng.choice(pool, count, replace=False)))


def _take(plan: FaultPlan, kind: str, chosen: np.ndarray) -> None:
    plan.units[kind] = chosen
    plan.free[chosen] = False


def _plan_deliveries(config: SimulationConfig, plan: FaultPlan, *, units: Units, deliveries: Deliveries, rng: np.random.Generator) -> None:
    """Lost and damaged deliveries; of a damaged one, up to three units cannot be sold any more."""
    rates = config.faults
    size = np.bincount(units.delivery[(units.delivery >= 0) & plan.free], minlength=len(deliveries.site))
    taken = np.bincount(units.delivery[(units.delivery >= 0) & ~plan.free], minlength=len(deliveries.site))
    able = np.flatnonzero(
        ~deliveries.is_bulk & (size > 3) & (taken == 0) & (deliveries.issue > 2) & (deliveries.receipt <= config.days - _MARGIN)
    )
    weight = np.where(deliveries.carrier[able] == 1, 3.0, 1.0)
    damaged = rng.choice(able, max(2, round(rates.damaged_delivery * len(able))), replace=False, p=weight / weight.sum())
    lost = rng.choice(np.setdiff1d(able, damaged), max(1, round(rates.lost_delivery * len(able))), replace=False)
    plan.damaged_deliveries, plan.lost_deliveries = np.sort(damaged), np.sort(lost)
    _take(plan, "lost", np.flatnonzero(np.isin(units.delivery, lost)))
    inside = np.flatnonzero(np.isin(units.delivery, damaged))
    inside = inside[np.argsort(units.delivery[inside], kind="stable")]
    group = units.delivery[inside]
    position = np.arange(len(inside)) - np.searchsorted(group, group)
    _take(plan, "damaged", np.sort(inside[position < 1 + group % 3]))


def _plan_wrong_articles(
    config: SimulationConfig, plan: FaultPlan, *, candidates: np.ndarray, units: Units, rng: np.random.Generator
) -> None:
    """Pairs of units for one store: the later one travels in place of the earlier one."""
    pool = np.flatnonzero(candidates & plan.free)
    count = min(_MOST_PAIRS, max(config.faults.minimum, round(config.faults.wrong_article * len(pool))))
    sample = np.sort(rng.choice(pool, min(len(pool), 6 * count + 300), replace=False))
    frame = pl.DataFrame(
        {
            "unit": sample,
            "site": units.site[sample],
            "variant": units.variant[sample],
            "receipt": units.receipt[sample],
            "issue": units.issue[sample],
            "at_centre": np.where(units.opening_centre, 0, units.centre_received)[sample],
        }
    )
    pairs = frame.join(frame, on="site", suffix="_other").filter(
        (pl.col("receipt_other") > pl.col("receipt"))
        & (pl.col("receipt_other") <= pl.col("receipt") + 12)
        & (pl.col("variant_other") != pl.col("variant"))
        & (pl.col("at_centre_other") < pl.col("issue"))
    )
    half = pairs.filter((pl.col("unit") % 2 == 0) & (pl.col("unit_other") % 2 == 1)).sort("unit", "unit_other")
    chosen = half.unique("unit", keep="first", maintain_order=True).unique("unit_other", keep="first", maintain_order=True).head(count)
    sent, came = chosen["unit"].to_numpy(), chosen["unit_other"].to_numpy()
    _take(plan, "wrong_sent", sent)
    _take(plan, "wrong_came", came)
    for name in ("delivery", "receipt", "issue"):
        getattr(units, name)[came] = getattr(units, name)[sent]


def _plan_rings(config: SimulationConfig, master: Master, plan: FaultPlan, *, units: Units, rng: np.random.Generator) -> None:
    """Five units of one store, due for sale within four days, for each ring; `plan.ring` numbers the ring of each."""
    rings = max(1, round(config.faults.theft_rings * config.scale**0.5))
    stores = np.arange(len(master.sites.go_live))[2:]
    chosen, number = [], []
    for ring in range(rings):
        site = stores[ring % len(stores)]
        first = int(rng.integers(master.sites.go_live.max() + 2, max(master.sites.go_live.max() + 3, config.days - 18)))
        able = (
            plan.free & (units.site == site) & (units.sale_day >= first) & (units.sale_day < first + 4) & (units.receipt < units.sale_day)
        )
        pool = np.flatnonzero(able)
        picked = np.sort(rng.choice(pool, min(5, len(pool)), replace=False))
        plan.free[picked] = False
        chosen.append(picked)
        number.append(np.full(len(picked), ring))
    plan.units["ring"], plan.ring = np.concatenate(chosen), np.concatenate(number)


def _plan_bad_batches(config: SimulationConfig, plan: FaultPlan, *, units: Units) -> None:
    """The largest batches of different variants that reach the centres in the first third of the horizon."""
    early = (units.wave >= 0) & (units.vendor_sent <= config.days * 0.4)
    batches = (
        pl.DataFrame({"variant": units.variant[early], "week": units.production_week[early]})
        .group_by("variant", "week")
        .len()
        .sort(["len", "variant", "week"], descending=[True, False, False])
        .unique("variant", keep="first", maintain_order=True)
        .head(config.faults.bad_batches)
    )
    keys = batches["variant"].to_numpy() * 10_000 + batches["week"].to_numpy()
    plan.bad_batches = batches
    plan.units["bad_batch"] = np.flatnonzero(np.isin(units.variant * 10_000 + units.production_week, keys))


def _plan_loads(config: SimulationConfig, master: Master, plan: FaultPlan, *, units: Units) -> None:
    """Initial loads of the last stores to go live: two units left out, one under a mistyped serial number, one twice,
    and one that an earlier site has loaded as well.
    """
    rng, go_live = config.rng("loads"), master.sites.go_live
    late = np.flatnonzero((go_live > 0) & (go_live < config.days))
    late = late[np.argsort(go_live[late], kind="stable")]
    wrong = late[len(late) - max(1, round(config.faults.wrong_load * len(late))) :]
    chosen: dict[str, list[np.ndarray]] = {kind: [] for kind in ("load_missing", "load_mistyped", "load_twice", "load_elsewhere")}
    other: list[int] = []
    for site in wrong:
        pool = rng.permutation(np.flatnonzero(units.opening_store & (units.site == site) & plan.free))
        for kind, unit in zip(chosen, np.split(pool[:5], [2, 3, 4]), strict=True):
            chosen[kind].append(unit)
        earlier = np.flatnonzero((go_live < go_live[site]) & (np.arange(len(go_live)) >= CENTRES))
        preferred = np.setdiff1d(np.intersect1d(earlier, late), wrong)
        other += [int(rng.choice(preferred if len(preferred) else earlier))] * len(chosen["load_elsewhere"][-1])
    for kind, found in chosen.items():
        unit = np.concatenate([*found, np.zeros(0, dtype=np.int64)]).astype(np.int64)
        order = np.argsort(unit)
        _take(plan, kind, unit[order])
        if kind == "load_elsewhere":
            plan.loaded_elsewhere_at = np.array(other, dtype=np.int64)[order]
