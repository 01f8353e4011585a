"""Master data of the simulated retailer: sites, articles, vendors, customers, as arrays that the rest indexes.

Who exists and what it is like belongs here: store sizes 0.5 to 1.6 of the mean, a linear store trend of up to 12 % in
120 days, popularity by generic, launches within the horizon, price drops of 12 %. The SAP extracts made from it are
in feeds_master.py.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from pipelines.simulator.calendar import REGIONS
from pipelines.simulator.config import SimulationConfig

__all__ = ["CARRIERS", "CENTRES", "MAKERS", "NEVER", "REPAIR_VENDORS", "Articles", "Master", "Sites", "build_master"]

NEVER = 1_000_000
CENTRES = 2
"""Sites 0 and 1 are distribution centres, stores follow."""
MAKERS = pl.Series(["0000100011", "0000100012", "0000100013"])
REPAIR_VENDORS = pl.Series(["0000100077", "0000100078"])
CARRIERS = pl.Series(["0000100091", "0000100092"])

_CITIES = {
    "TX": (
        ("Austin", 30.27, -97.74),
        ("Dallas", 32.78, -96.80),
        ("Houston", 29.76, -95.37),
        ("San Antonio", 29.42, -98.49),
    ),
    "CA": (
        ("Los Angeles", 34.05, -118.24),
        ("San Diego", 32.72, -117.16),
        ("Fresno", 36.74, -119.79),
        ("Sacramento", 38.58, -121.49),
    ),
    "NY": (
        ("New York", 40.71, -74.01),
        ("Buffalo", 42.89, -78.88),
        ("Rochester", 43.16, -77.61),
        ("Albany", 42.65, -73.75),
    ),
    "IL": (
        ("Chicago", 41.88, -87.63),
        ("Peoria", 40.69, -89.59),
        ("Rockford", 42.27, -89.09),
        ("Springfield", 39.78, -89.65),
    ),
}
_COLORS = ("BLACK", "BLUE", "SILVER", "GREEN", "RED", "WHITE")
_CATEGORIES = ("PHONE", "PHONE", "TABLET", "PHONE", "WEARABLE", "TABLET")
_LIST_PRICE = {"PHONE": 69_900, "TABLET": 54_900, "WEARABLE": 24_900}
_ACCESSORIES = ("Case & Cover <slim>", "USB-C Cable 1 m", "Screen Protector", "Charger 30 W")


@dataclass(frozen=True)
class Sites:
    """One entry per site; `region` indexes REGIONS, `go_live` is a day of the horizon."""

    code: pl.Series
    city: pl.Series
    region: np.ndarray
    latitude: np.ndarray
    longitude: np.ndarray
    centre: np.ndarray
    size: np.ndarray
    trend: np.ndarray
    go_live: np.ndarray


@dataclass(frozen=True)
class Articles:
    """One entry per sellable article: `variants` serialised ones first, bulk accessories after; prices in cents."""

    variants: int
    number: np.ndarray
    text: pl.Series
    category: pl.Series
    color: pl.Series
    size: pl.Series
    generic: np.ndarray
    maker: np.ndarray
    price: np.ndarray
    launch: np.ndarray
    popularity: np.ndarray
    drop_day: np.ndarray
    generic_number: np.ndarray
    generic_text: pl.Series

    @property
    def accessories(self) -> int:
        """Number of bulk accessories."""
        return len(self.number) - self.variants

    @property
    def plain(self) -> pl.Series:
        """Article numbers without leading zeros."""
        return pl.Series(self.number).cast(pl.String)

    @property
    def padded(self) -> pl.Series:
        """Article numbers as SAP writes them: 18 characters with leading zeros."""
        return self.plain.str.zfill(18)


@dataclass(frozen=True)
class Master:
    """All master data of one world; customers are the codes 0000700001 and following."""

    sites: Sites
    articles: Articles
    customers: int


def build_master(config: SimulationConfig) -> Master:
    """Master data drawn from the seed."""
    rng = config.rng("master")
    customers = max(60, int(60 * config.stores * config.scale))
    return Master(_sites(config, rng), _articles(config, rng), customers)


def _go_live(config: SimulationConfig) -> np.ndarray:
    """Day 0 for the centres and two stores, then four waves, eight days apart in a horizon of 64 days or more."""
    step = min(8, config.days // 8)
    late = np.arange(config.stores - 2)
    waves = 1 + late * 4 // max(1, len(late))
    return np.concatenate([np.zeros(CENTRES + 2, dtype=np.int64), waves * step])


def _sites(config: SimulationConfig, rng: np.random.Generator) -> Sites:
    store = np.arange(config.stores)
    region = store % len(REGIONS)
    cities = [_CITIES[REGIONS[r]][(s // len(REGIONS)) % 4] for s, r in zip(store, region, strict=True)]
    shift = (store // 16) * 0.03
    size = rng.uniform(0.5, 1.6, config.stores)
    return Sites(
        code=pl.Series(["DC01", "DC02", *[f"S{101 + s}" for s in store]]),
        city=pl.Series(["Dallas", "Joliet", *[city for city, _, _ in cities]]),
        region=np.concatenate([[0, 3], region]),
        latitude=np.round(np.concatenate([[32.78, 41.53], np.array([c[1] for c in cities]) + shift]), 4),
        longitude=np.round(np.concatenate([[-96.80, -88.08], np.array([c[2] for c in cities]) - shift]), 4),
        centre=np.concatenate([[0, 1], region // 2]),
        size=np.concatenate([[0, 0], size / size.mean()]),
        trend=np.concatenate([[0, 0], rng.uniform(-0.12, 0.12, config.stores)]),
        go_live=_go_live(config),
    )


def _articles(config: SimulationConfig, rng: np.random.Generator) -> Articles:
    variant = np.arange(config.articles)
    generic = variant // 4
    generics = int(generic[-1]) + 1
    categories = [_CATEGORIES[g % len(_CATEGORIES)] for g in range(generics)]
    launch = np.full(generics, -400)
    launch[2::3] = rng.integers(config.days // 4, config.days // 2, len(launch[2::3]))
    drop = np.where(np.arange(generics) % 3 == 0, rng.integers(config.days // 3, config.days - 10, generics), NEVER)
    base = np.array([_LIST_PRICE[c] for c in categories]) + 5_000 * rng.integers(-2, 6, generics)
    weight = rng.uniform(0.6, 1.8, generics)[generic] * rng.uniform(0.6, 1.4, config.articles)
    generic_text = [f"{c.title()} {chr(65 + g % 26)}{g + 1}" for g, c in enumerate(categories)]
    storage = [("128", "256")[v % 2] for v in variant]
    color = [_COLORS[(v // 2) % 2 + 2 * (g % 3)] for v, g in zip(variant, generic, strict=True)]
    labels = [f"{generic_text[g]} {s} {c.lower()}" for g, s, c in zip(generic, storage, color, strict=True)]
    bulk = len(_ACCESSORIES)
    empty = [None] * bulk
    return Articles(
        variants=config.articles,
        number=np.concatenate([400_500 + generic * 10 + variant % 4 + 1, 800_100 + np.arange(bulk)]),
        text=pl.Series([*labels, *_ACCESSORIES]),
        category=pl.Series([*[categories[g] for g in generic], *["ACCESS"] * bulk]),
        color=pl.Series([*color, *empty]),
        size=pl.Series([*[f"{s} GB" for s in storage], *empty]),
        generic=np.concatenate([generic, np.full(bulk, -1)]),
        maker=np.concatenate([generic % 3, np.full(bulk, 2)]),
        price=np.concatenate([base[generic] + np.where(variant % 2, 10_000, 0), [2_990, 1_490, 1_990, 3_490]]),
        launch=np.concatenate([launch[generic], np.full(bulk, -400)]),
        popularity=np.concatenate([weight, np.zeros(bulk)]),
        drop_day=np.concatenate([drop[generic], np.full(bulk, NEVER)]),
        generic_number=400_500 + np.arange(generics) * 10,
        generic_text=pl.Series(generic_text),
    )
