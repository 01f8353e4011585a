"""Settings of the simulated retailer: its size, its seed and how often things go wrong.

Every number that a reader may want to turn belongs here or in the module whose docstring names the effect.
What the numbers do to goods and documents does not belong here.
The planted faults are explained in faults.py, the business conventions in life.py.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

import numpy as np

__all__ = ["DAY_SECONDS", "LOOKAHEAD_DAYS", "PAST_DAYS", "FaultRates", "SimulationConfig"]

DAY_SECONDS = 86_400
LOOKAHEAD_DAYS = 45
"""Demand is drawn this far past the horizon, so that stock at its end is stock that somebody will still buy."""
PAST_DAYS = 120
"""Look-up tables reach this far before day 0, for goods that were ordered before the horizon began."""

_STREAMS = (
    *("master", "demand", "routes", "supply", "carrier", "faults", "inflow", "store_moves", "trade", "rings"),
    *("counts", "till", "quality", "equipment", "typing", "late_files", "duplicate_files"),
    *("loads", "load_typing", "cut_over", "waiting", "bulk_counts", "task_times"),
    *("statuses", "unposted_counts"),
    "replenishment",
)


@dataclass(frozen=True)
class FaultRates:
    """How often a fault is planted, as a share of the population named; each has a minimum so that small worlds show
    it.
    """

    short_delivery: float = 0.003  # of units delivered: announced and issued, never received
    over_delivery: float = 0.002  # of units delivered: received, but not on the delivery document
    wrong_article: float = 0.0008  # of units delivered to stores: another article lay in the box
    receipt_not_posted: float = 0.0015  # of units delivered to stores: scanned at receipt, no posting
    placement_missing: float = 0.04  # of two-step transfers: 303 without 305
    mistyped_receipt: float = 0.0008  # of units delivered to stores
    mistyped_sale: float = 0.001  # of units sold
    cloned_sold: float = 0.0004  # of units sold: the same serial is sold a second time elsewhere
    cloned_returned: float = 0.0003  # of units sold: a counterfeit with that serial is handed in elsewhere
    store_loss: float = 0.004  # of units that lie in a store for some days; 30 % of them are found again
    centre_loss: float = 0.0006  # of units issued from a distribution centre
    lost_delivery: float = 0.004  # of replenishment deliveries
    damaged_delivery: float = 0.015  # of replenishment deliveries; the second carrier damages three times as often
    late_file: float = 0.02  # of files by feed and day, delivered 1 to 10 days late
    duplicate_file: float = 0.012  # of files by feed and day, delivered twice
    equipment_deviation: float = 0.004  # of EQBS rows that do not follow from the documents
    status_deviation: float = 0.0005  # of equipments: a delivery's status that stuck, and as many in stock and at a customer
    count_not_posted: float = 0.25  # of differences that counts found and nothing followed: nobody posted them
    theft_rings: int = 2  # rings at scale 1, each of three stores and five units
    wrong_load: float = 0.25  # of stores that go live after day 0, the last ones: initial loads with a few wrong units
    bad_batches: int = 2  # production batches, each of one variant and one production week
    minimum: int = 3  # of each kind of unit fault, where candidates exist


@dataclass(frozen=True)
class SimulationConfig:
    """Size and seed of a world. `articles` counts variants; `scale` multiplies the stores' sales.

    `tables` is `ecc` or `s4` where the ERP is also to extract its own tables of the postings, in that system's shape.
    `replenishment` is `as_sold` where every customer finds a unit, or `min_max` where stores order by levels and run out.

    The same settings give the same files, byte by byte. Raises ValueError for sizes that cannot hold a retailer.
    """

    days: int = 120
    stores: int = 10
    articles: int = 24
    seed: int = 7
    scale: float = 1.0
    start: date = date(2026, 3, 2)
    faults: FaultRates = field(default_factory=FaultRates)
    tables: str | None = None
    replenishment: str = "as_sold"

    def __post_init__(self) -> None:
        """Refuses sizes out of range, naming the setting."""
        limits = {"days": (30, 3650), "stores": (3, 899), "articles": (4, 960), "scale": (0.05, 1000)}
        for name, (low, high) in limits.items():
            if not low <= getattr(self, name) <= high:
                raise ValueError(f"simulation: {name}={getattr(self, name)} is out of range; use {low} to {high}")
        if self.tables not in {None, "ecc", "s4"}:
            raise ValueError(f"simulation: tables={self.tables} is no shape of SAP's tables; use ecc or s4")
        if self.replenishment not in {"as_sold", "min_max"}:
            raise ValueError(f"simulation: replenishment={self.replenishment} is no policy; use as_sold or min_max")

    def rng(self, stream: str) -> np.random.Generator:
        """The random numbers of one concern; adding draws to one stream leaves the others as they were."""
        sequence = np.random.SeedSequence(self.seed, spawn_key=(_STREAMS.index(stream),))
        return np.random.Generator(np.random.PCG64(sequence))

    @property
    def end_second(self) -> int:
        """First second after the horizon, counted from midnight of `start`."""
        return self.days * DAY_SECONDS
