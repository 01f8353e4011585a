"""Demand: how many units of each variant each store sells on each day, and at what price.

Effects: calendar (calendar.py); campaigns of 7 to 10 days with 10 to 25 % off and an uplift of 5 % per percent, then
a dip of 15 % for 5 days; a launch at 2.5 times the level, fading over 30 days; a price drop of 12 % with +30 % for 21
days and +10 % after; store size and trend (master.py); a store-day shock of +-20 %. Which unit meets which demand is
in supply.py.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipelines.simulator.calendar import REGIONS, day_factors
from pipelines.simulator.config import LOOKAHEAD_DAYS, SimulationConfig
from pipelines.simulator.master import CENTRES, Master

__all__ = ["Campaigns", "Demand", "Drawn", "demand_of", "draw_demand", "price_at"]

UNITS_PER_STORE_DAY = 27.0


@dataclass(frozen=True)
class Campaigns:
    """One entry per campaign; `region` -1 means all, `generics` lists what is on offer."""

    number: list[str]
    planned: np.ndarray
    starts: np.ndarray
    ends: np.ndarray
    region: np.ndarray
    discount: np.ndarray
    generics: list[list[int]]
    running: np.ndarray
    """Campaign by [region, generic, day], -1 where none."""


@dataclass(frozen=True)
class Demand:
    """One entry per unit sold: site, variant, day; sorted by site, variant and day."""

    site: np.ndarray
    variant: np.ndarray
    day: np.ndarray
    campaigns: Campaigns


@dataclass(frozen=True)
class Drawn:
    """What customers ask for, by [store, variant, day]: the expected units and the units drawn."""

    campaigns: Campaigns
    rates: np.ndarray
    counts: np.ndarray


def draw_demand(config: SimulationConfig, master: Master) -> Drawn:
    """Demand of the horizon and of the look-ahead after it, before anything goes wrong."""
    rng = config.rng("demand")
    campaigns = _campaigns(config, master, rng)
    rates = _rates(config, master, campaigns, rng)
    return Drawn(campaigns, rates, rng.poisson(np.round(rates, 6)))


def demand_of(campaigns: Campaigns, counts: np.ndarray) -> Demand:
    """One entry per unit of counts by [store, variant, day]."""
    cell = np.repeat(np.arange(counts.size), counts.ravel())
    _, variants, days = counts.shape
    return Demand(CENTRES + cell // (variants * days), cell // days % variants, cell % days, campaigns)


def price_at(master: Master, campaigns: Campaigns, *, variant: np.ndarray, site: np.ndarray, day: np.ndarray, used: np.ndarray):
    """Price in cents and campaign (-1 none) of each sale; used units cost 15 % less."""
    articles = master.articles
    price = np.where(day >= articles.drop_day[variant], articles.price[variant] * 88 // 100, articles.price[variant])
    inside = np.minimum(day, campaigns.running.shape[2] - 1)
    campaign = campaigns.running[master.sites.region[site], articles.generic[variant], inside]
    discount = np.append(campaigns.discount, 0)[campaign]
    return price * (100 - discount) // 100 * np.where(used, 85, 100) // 100, campaign


def _campaigns(config: SimulationConfig, master: Master, rng: np.random.Generator) -> Campaigns:
    total = config.days + LOOKAHEAD_DAYS
    generics = len(master.articles.generic_number)
    starts = np.arange(6, total - 12, 12)
    ends = starts + rng.integers(6, 10, len(starts))
    region = np.where(rng.random(len(starts)) < 0.6, -1, rng.integers(0, len(REGIONS), len(starts)))
    discount = rng.choice([10, 15, 20, 25], len(starts))
    chosen = [sorted(rng.choice(generics, min(generics, int(k)), replace=False).tolist()) for k in rng.integers(1, 4, len(starts))]
    running = np.full((len(REGIONS), generics, total), -1)
    for k, offered in enumerate(chosen):
        regions = range(len(REGIONS)) if region[k] < 0 else [int(region[k])]
        running[np.ix_(regions, offered, range(starts[k], ends[k] + 1))] = k
    number = [f"CAMP{config.start.year}{k + 1:03d}" for k in range(len(starts))]
    return Campaigns(number, starts - 21, starts, ends, region, discount, chosen, running)


def _rates(config: SimulationConfig, master: Master, campaigns: Campaigns, rng: np.random.Generator) -> np.ndarray:
    """Expected units by [store, variant, day]."""
    sites, articles = master.sites, master.articles
    days = config.days + LOOKAHEAD_DAYS
    day = np.arange(days)
    size, trend, region = (a[CENTRES:] for a in (sites.size, sites.trend, sites.region))
    store_day = size[:, None] * (1 + trend[:, None] * day / 120) * day_factors(config.start, days)[region]
    store_day = store_day * rng.uniform(0.8, 1.2, store_day.shape) * UNITS_PER_STORE_DAY * config.scale
    popularity = articles.popularity[: articles.variants]
    variant_day = (popularity / popularity.sum())[:, None] * _life_cycle(master, day)
    promotion = _promotion(campaigns)[:, articles.generic[: articles.variants]]
    return store_day[:, None, :] * variant_day[None] * promotion[region]


def _life_cycle(master: Master, day: np.ndarray) -> np.ndarray:
    """Launch curve times price drop, by [variant, day]."""
    count = master.articles.variants
    age = day[None] - master.articles.launch[:count, None]
    launched = np.where(age < 0, 0.0, 1 + 1.5 * np.clip(1 - age / 30, 0, 1))
    since = day[None] - master.articles.drop_day[:count, None]
    return launched * np.where(since < 0, 1.0, np.where(since < 21, 1.30, 1.10))


def _promotion(campaigns: Campaigns) -> np.ndarray:
    """Uplift of running campaigns and the dip after them, by [region, generic, day]."""
    running = campaigns.running
    factor = np.where(running >= 0, 1 + 0.05 * np.append(campaigns.discount, 0)[running], 1.0)
    for lag in range(1, 6):
        ended = np.zeros_like(running, dtype=bool)
        ended[:, :, lag:] = running[:, :, :-lag] >= 0
        factor = np.where(ended & (running < 0) & (factor == 1.0), 0.85, factor)
    return factor
