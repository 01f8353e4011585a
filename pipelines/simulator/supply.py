"""Supply: gives every sale a unit and schedules backwards how that unit came to the store.

A sale on day d needs a store delivery 1 to 14 days before, on one of the store's three delivery days; that delivery
needs an issue at the distribution centre 1 to 3 days before, that needs a weekly vendor delivery up to 14 days
before. What lies before the horizon, or before a store's go-live, becomes opening stock. Where stores order by levels
(replenishing.py) receipts are given, and the unit that came first is sold first. What happens to a unit afterwards is in
life.py.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipelines.simulator.arrays import position_in_run, run_starts
from pipelines.simulator.config import LOOKAHEAD_DAYS, PAST_DAYS, SimulationConfig
from pipelines.simulator.demand import Demand
from pipelines.simulator.master import CENTRES, MAKERS, Master

__all__ = ["Routes", "Units", "build_routes", "build_units", "slots_before_go_live", "units_received"]


@dataclass
class Units:
    """One entry per serialised unit, in order of production; days count from the start of the horizon.

    `receipt`, `issue` are days at store and centre; `wave` numbers the vendor delivery of `centre` and the maker.
    `opening_store`, `opening_centre`: the unit enters by 561 there. `inbound`, `delivery` index documents, -1 none.
    """

    variant: np.ndarray
    site: np.ndarray
    sale_day: np.ndarray
    receipt: np.ndarray
    issue: np.ndarray
    wave: np.ndarray
    vendor_sent: np.ndarray
    centre_received: np.ndarray
    opening_store: np.ndarray
    opening_centre: np.ndarray
    production_week: np.ndarray
    centre: np.ndarray
    inbound: np.ndarray | None = None
    delivery: np.ndarray | None = None

    def __len__(self) -> int:
        """Number of units."""
        return len(self.variant)


@dataclass(frozen=True)
class Routes:
    """Time tables: last delivery day of a store and its transit, and vendor deliveries by centre and maker."""

    last_delivery: np.ndarray
    transit: np.ndarray
    last_wave: np.ndarray
    vendor_sent: np.ndarray
    centre_received: np.ndarray

    def store(self, site: np.ndarray, day: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Receipt day at or before `day`, and the day of the goods issue for it."""
        receipt = self.last_delivery[site - CENTRES, day + PAST_DAYS]
        return receipt, receipt - self.transit[site - CENTRES, receipt + PAST_DAYS]

    def centre(self, centre: np.ndarray, maker: np.ndarray, day: np.ndarray) -> np.ndarray:
        """Number of the last vendor delivery received at or before `day`."""
        return self.last_wave[centre, maker, day + PAST_DAYS]


def build_routes(config: SimulationConfig) -> Routes:
    """The time tables of all stores and vendors."""
    rng = config.rng("routes")
    days = np.arange(-PAST_DAYS, config.days + LOOKAHEAD_DAYS)
    weekday = (config.start.weekday() + days) % 7
    pattern = np.array([[0, 2, 4], [1, 3, 5]])[np.arange(config.stores) % 2]
    delivers = (weekday[None, :, None] == pattern[:, None, :]).any(axis=2)
    last_delivery = np.maximum.accumulate(np.where(delivers, days, -PAST_DAYS), axis=1)
    transit = rng.choice([1, 2, 2, 3], (config.stores, len(days)))
    weeks = len(days) // 7
    offset = (np.arange(CENTRES)[:, None] * 2 + np.arange(len(MAKERS))[None]) % 5
    sent = -PAST_DAYS + offset[:, :, None] + 7 * np.arange(weeks)
    received = sent + rng.integers(1, 5, sent.shape)
    last_wave = (received[:, :, None, :] <= days[None, None, :, None]).sum(axis=3) - 1
    return Routes(last_delivery, transit, last_wave, sent, received)


def slots_before_go_live(master: Master, demand: Demand) -> np.ndarray:
    """True for sales of stores that do not record serial numbers yet."""
    return demand.day < master.sites.go_live[demand.site]


def build_units(config: SimulationConfig, master: Master, demand: Demand, routes: Routes) -> Units:
    """The units behind all sales with serial numbers, sorted by maker, production week and variant."""
    rng = config.rng("supply")
    live = ~slots_before_go_live(master, demand)
    site, variant, day = demand.site[live], demand.variant[live], demand.day[live]
    receipt, issue = routes.store(site, np.maximum(day - rng.integers(1, 15, len(day)), master.articles.launch[variant] - 3))
    return _supplied(master, routes, rng, site=site, variant=variant, day=day, receipt=receipt, issue=issue)


def units_received(
    config: SimulationConfig, master: Master, routes: Routes, *, sold: Demand, received: Demand, starts: np.ndarray
) -> Units:
    """The units that stores receive, each with the sale of the same place in the row of its series; what nobody buys is for sale
    until after the look-ahead.

    `received` has one entry per unit and day of receipt; on the first day of a series, `starts` by [store, variant], it is the
    opening stock, which lies there before that day.
    """
    begins = starts[received.site - CENTRES, received.variant]
    live = sold.day >= starts[sold.site - CENTRES, sold.variant]
    day = np.full(len(received.day), config.days + LOOKAHEAD_DAYS)
    day[_places(sold.site[live], sold.variant[live], among=received)] = sold.day[live]
    go_live = master.sites.go_live[received.site]
    before = np.where(begins == go_live, begins - 1, begins)
    receipt, issue = routes.store(received.site, np.where(received.day == begins, before, received.day))
    rng = config.rng("supply")
    return _supplied(master, routes, rng, site=received.site, variant=received.variant, day=day, receipt=receipt, issue=issue)


def _places(site: np.ndarray, variant: np.ndarray, *, among: Demand) -> np.ndarray:
    """Index, within entries sorted by series, of the entry with the same number in its series."""
    width = int(max(variant.max(initial=0), among.variant.max(initial=0))) + 1
    return np.searchsorted(among.site * width + among.variant, site * width + variant) + position_in_run(run_starts(site, variant))


def _supplied(
    master: Master,
    routes: Routes,
    rng: np.random.Generator,
    *,
    site: np.ndarray,
    variant: np.ndarray,
    day: np.ndarray,
    receipt: np.ndarray,
    issue: np.ndarray,
) -> Units:
    count = len(site)
    launch, maker, centre = master.articles.launch[variant], master.articles.maker[variant], master.sites.centre[site]
    wave = routes.centre(centre, maker, np.maximum(issue - rng.integers(0, 15, count), launch - 14))
    sent, received = routes.vendor_sent[centre, maker, wave], routes.centre_received[centre, maker, wave]
    opening_store = (receipt < master.sites.go_live[site]) | (issue < 0)
    opening_centre = ~opening_store & (sent < 0)
    opening = opening_store | opening_centre
    produced = np.where(opening, -rng.integers(14, 50, count), sent - rng.integers(7, 15, count))
    week = np.maximum(produced, -PAST_DAYS) // 7
    order = np.lexsort((rng.permutation(count), variant, week, maker))
    unit = Units(
        variant,
        site,
        day,
        receipt,
        issue,
        np.where(opening, -1, wave),
        sent,
        received,
        opening_store,
        opening_centre,
        week,
        centre,
    )
    for name in ("variant", "site", "sale_day", "receipt", "issue", "wave", "vendor_sent", "centre_received"):
        setattr(unit, name, getattr(unit, name)[order])
    for name in ("opening_store", "opening_centre", "production_week", "centre"):
        setattr(unit, name, getattr(unit, name)[order])
    return unit
