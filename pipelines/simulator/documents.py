"""Delivery documents: which units and which bulk quantities travel together, from vendors and from centres to stores.

Grouping, numbering and the times of deliveries belong here; up to 200 units make a store delivery, up to 600 a
vendor's. Bulk lines are accessories and the goods for stores before their go-live, which travel without serial
numbers.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from pipelines.simulator.arrays import position_in_run, run_starts
from pipelines.simulator.config import DAY_SECONDS, PAST_DAYS, SimulationConfig
from pipelines.simulator.demand import UNITS_PER_STORE_DAY, Demand
from pipelines.simulator.master import CENTRES, Master
from pipelines.simulator.supply import Routes, Units, slots_before_go_live

__all__ = ["Deliveries", "Inbound", "build_deliveries", "build_inbound"]

_UNITS_PER_DELIVERY, _UNITS_PER_INBOUND = 200, 600
_ACCESSORY_SHARE = 0.3 / 4
_ACCESSORY_MAKER = 2
_NO_CHUNK = 1 << 20


@dataclass(frozen=True)
class Deliveries:
    """One entry per replenishment delivery; `bulk` has one row per delivery and article without serials."""

    site: np.ndarray
    centre: np.ndarray
    issue: np.ndarray
    receipt: np.ndarray
    issued_at: np.ndarray
    carrier: np.ndarray
    days_late: np.ndarray
    is_bulk: np.ndarray
    bulk: pl.DataFrame


@dataclass(frozen=True)
class Inbound:
    """One entry per vendor delivery to a centre; `bulk` has one row per delivery and article without serials."""

    centre: np.ndarray
    maker: np.ndarray
    sent: np.ndarray
    received: np.ndarray
    bulk: pl.DataFrame


def build_deliveries(config: SimulationConfig, master: Master, *, demand: Demand, routes: Routes, units: Units) -> Deliveries:
    """Store deliveries of the whole world; sets `units.delivery`."""
    travels = np.flatnonzero(~units.opening_store)
    bulk = _bulk_lines(config, master, demand=demand, routes=routes, units=units)
    key = _delivery_key(config, units.site[travels], units.issue[travels], units.receipt[travels])
    key = key * _NO_CHUNK * 2 + _chunk(key, _UNITS_PER_DELIVERY)
    bulk_key = (_delivery_key(config, *(bulk[c].to_numpy() for c in ("site", "issue", "receipt"))) * 2 + 1) * _NO_CHUNK
    keys, index = np.unique(np.concatenate([key, bulk_key]), return_inverse=True)
    units.delivery = np.full(len(units), -1)
    units.delivery[travels] = index[: len(travels)]
    group = keys // (_NO_CHUNK * 2)
    site = group // 4 % config.stores + CENTRES
    issue = group // 4 // config.stores - PAST_DAYS
    rng = config.rng("carrier")
    carrier = rng.integers(0, 2, len(keys))
    transit = group % 4
    late = (transit >= 2) & (rng.random(len(keys)) < np.where(carrier == 1, 0.10, 0.05))
    return Deliveries(
        site=site,
        centre=master.sites.centre[site],
        issue=issue,
        receipt=issue + transit,
        issued_at=issue * DAY_SECONDS + 14 * 3600 + rng.integers(0, 9000, len(keys)),
        carrier=carrier,
        days_late=late.astype(np.int64),
        is_bulk=keys // _NO_CHUNK % 2 == 1,
        bulk=bulk.select("article", "quantity", document=pl.Series(index[len(travels) :])),
    )


def build_inbound(config: SimulationConfig, master: Master, *, routes: Routes, units: Units) -> Inbound:
    """Vendor deliveries to the centres; sets `units.inbound`."""
    comes = np.flatnonzero(units.wave >= 0)
    maker = master.articles.maker[units.variant[comes]]
    key = ((units.vendor_sent[comes] * CENTRES + units.centre[comes]) * 4 + maker) * 512 + units.wave[comes]
    key = key * _NO_CHUNK * 2 + _chunk(key, _UNITS_PER_INBOUND)
    sent = routes.vendor_sent[:, _ACCESSORY_MAKER]
    centre, wave = np.nonzero((sent >= 0) & (sent < config.days))
    bulk_key = (sent[centre, wave] * CENTRES + centre) * 4 + _ACCESSORY_MAKER
    bulk_key = ((bulk_key * 512 + wave) * 2 + 1) * _NO_CHUNK
    weekly = [master.sites.size[CENTRES:][master.sites.centre[CENTRES:] == c].sum() * _accessories_per_day(config) * 7 for c in (0, 1)]
    keys, index = np.unique(np.concatenate([key, bulk_key]), return_inverse=True)
    units.inbound = np.full(len(units), -1)
    units.inbound[comes] = index[: len(comes)]
    head, wave_of = keys // (_NO_CHUNK * 2) // 512, keys // (_NO_CHUNK * 2) % 512
    articles = master.articles.variants + np.arange(master.articles.accessories)
    bulk = pl.DataFrame(
        {
            "article": np.tile(articles, len(centre)),
            "quantity": np.repeat(np.ceil(np.array(weekly)[centre]).astype(np.int64), len(articles)),
            "document": np.repeat(index[len(comes) :], len(articles)),
        }
    )
    received = routes.centre_received[head // 4 % CENTRES, head % 4, wave_of]
    return Inbound(head // 4 % CENTRES, head % 4, head // 4 // CENTRES, received, bulk)


def _delivery_key(config: SimulationConfig, site: np.ndarray, issue: np.ndarray, receipt: np.ndarray) -> np.ndarray:
    return ((issue + PAST_DAYS) * config.stores + site - CENTRES) * 4 + receipt - issue


def _chunk(key: np.ndarray, size: int) -> np.ndarray:
    """Part of its document that each unit falls into when a document holds `size` units."""
    order = np.argsort(key, kind="stable")
    chunk = np.empty(len(key), dtype=np.int64)
    chunk[order] = position_in_run(run_starts(key[order])) // size
    return chunk


def _accessories_per_day(config: SimulationConfig) -> float:
    return UNITS_PER_STORE_DAY * config.scale * _ACCESSORY_SHARE


def _bulk_lines(config: SimulationConfig, master: Master, *, demand: Demand, routes: Routes, units: Units) -> pl.DataFrame:
    """Quantities without serials by site, issue, receipt and article, issued and received within the horizon."""
    early = slots_before_go_live(master, demand)
    receipt, issue = routes.store(demand.site[early], demand.day[early] - 7)
    opening = units.opening_store
    columns = {
        "site": np.concatenate([demand.site[early], units.site[opening]]),
        "issue": np.concatenate([issue, units.issue[opening]]),
        "receipt": np.concatenate([receipt, units.receipt[opening]]),
        "article": np.concatenate([demand.variant[early], units.variant[opening]]),
    }
    devices = pl.DataFrame(columns).group_by("site", "issue", "receipt", "article").agg(quantity=pl.len().cast(pl.Int64))
    store, day = np.nonzero(routes.last_delivery == np.arange(routes.last_delivery.shape[1]) - PAST_DAYS)
    receipt, issue = routes.store(store + CENTRES, day - PAST_DAYS)
    quantity = np.ceil(master.sites.size[store + CENTRES] * _accessories_per_day(config) * 7 / 3).astype(np.int64)
    articles = master.articles.variants + np.arange(master.articles.accessories)
    accessories = pl.DataFrame({"site": store + CENTRES, "issue": issue, "receipt": receipt, "quantity": quantity}).join(
        pl.DataFrame({"article": articles}), how="cross"
    )
    lines = pl.concat([devices, accessories.select(devices.columns)])
    inside = (pl.col("issue") >= 0) & (pl.col("receipt") < config.days)
    return lines.filter(inside).sort("site", "issue", "receipt", "article")
