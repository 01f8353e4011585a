"""Replenishing: what stores sell where shelves are filled by minimum and maximum levels, and what they cannot sell.

The forward flow of stock in stores and the retailer's own policy belong here: on each of its delivery days a store orders every
article that is at or below its minimum up to its maximum; both are days of cover of the trailing sales, set anew every four
weeks, blind to campaigns and to demand that found no unit. Centres always have what is ordered; demand that finds no unit is
lost. Demand itself is drawn in demand.py; which unit meets which sale is in supply.py.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from pipelines.simulator.arrays import days_to_dates
from pipelines.simulator.calendar import REGIONS
from pipelines.simulator.config import PAST_DAYS, SimulationConfig
from pipelines.simulator.demand import Drawn, draw_demand
from pipelines.simulator.master import CENTRES, Master, build_master
from pipelines.simulator.supply import Routes, build_routes

__all__ = ["Flow", "MinMaxPolicy", "arrivals", "delivery_days", "flow_frame", "flow_of", "replenished", "settings_frame"]

_LONGEST_WAIT_DAYS = 14
"""No order waits longer: stores are served three times a week, one to three days after the issue."""


@dataclass(frozen=True)
class MinMaxPolicy:
    """How the simulated retailer sets levels: days of cover of the mean daily sales over the trailing days."""

    minimum_cover_days: int = 5
    maximum_cover_days: int = 21
    trailing_days: int = 28
    days_between_settings: int = 28
    known_days: int = 14
    """A variant on sale for less takes the mean of its store's variants."""
    least_units: int = 1


@dataclass(frozen=True)
class Flow:
    """Stock of stores by [day, store, variant], in units; `stock` is what lies there at the end of the day.

    Each series starts on its day in `starts` [store, variant]: its store's go-live or its launch. Before it everything is sold
    that is asked for, and `received` and `stock` are 0; on it `received` holds the opening stock.
    """

    starts: np.ndarray
    demand: np.ndarray
    sold: np.ndarray
    received: np.ndarray
    stock: np.ndarray
    minimum: np.ndarray
    maximum: np.ndarray

    @property
    def lost(self) -> np.ndarray:
        """Demand that found no unit."""
        return self.demand - self.sold


def replenished(config: SimulationConfig, policy: MinMaxPolicy | None = None) -> pl.DataFrame:
    """Demand, sales and stock of a retailer of this size under minimum and maximum levels, without its documents.

    One row per article, site and day of the horizon from the start of the series on; see `flow_frame` for the columns. The
    same settings give the same rows, which are those that `simulate` with replenishment min_max plants.
    """
    master = build_master(config)
    drawn = draw_demand(config, master)
    return flow_frame(config, master, drawn, flow_of(config, master, drawn, build_routes(config), policy or MinMaxPolicy()))


def flow_of(config: SimulationConfig, master: Master, drawn: Drawn, routes: Routes, policy: MinMaxPolicy) -> Flow:
    """The flow of the horizon and of the look-ahead: all series at once, day by day."""
    demand = np.ascontiguousarray(np.moveaxis(drawn.counts, 2, 0), dtype=np.int32)
    days, stores, variants = demand.shape
    starts = np.maximum(master.sites.go_live[CENTRES:, None], master.articles.launch[None, :variants])
    past = _sales_before(config, drawn, policy)
    sold = np.concatenate([past, demand])
    received, minimum, maximum = (np.zeros_like(demand) for _ in range(3))
    closing = np.zeros_like(demand)
    arrival, reviews = arrivals(routes, days), delivery_days(routes, days)
    stock, on_order = (np.zeros((stores, variants), dtype=np.int32) for _ in range(2))
    lowest, highest = np.zeros_like(stock), np.zeros_like(stock)
    for day in range(days):
        running = day >= starts
        begins = day == starts
        resets = begins | (running & (day % policy.days_between_settings == 0))
        if resets.any():
            levels = _levels(sold[day : day + policy.trailing_days], day - master.articles.launch[:variants], policy)
            lowest, highest = (np.where(resets, new, old) for new, old in zip(levels, (lowest, highest), strict=True))
        on_order -= received[day]
        received[day] += np.where(begins, highest, 0)
        stock += received[day]
        sales = np.where(running, np.minimum(demand[day], stock), demand[day])
        stock -= np.where(running, sales, 0)
        sold[policy.trailing_days + day] = sales
        position = stock + on_order
        ordered = np.where(running & reviews[:, day, None] & (position <= lowest), highest - position, 0)
        on_order += ordered
        store, variant = np.nonzero(ordered * (arrival[:, day, None] < days))
        received[arrival[store, day], store, variant] += ordered[store, variant]
        closing[day], minimum[day], maximum[day] = stock, lowest, highest
    return Flow(starts, demand, sold[policy.trailing_days :], received, closing, minimum, maximum)


def flow_frame(config: SimulationConfig, master: Master, drawn: Drawn, flow: Flow) -> pl.DataFrame:
    """The flow as a table: one row per article, site and day of the horizon from the start of the series on.

    `unique_id` is article/site and `ds` the day, as in the demand panel. Units: `demand` = `sold` + `lost`, `received`, `stock`
    (end of the day) and the levels `minimum` and `maximum`; `is_stock_out` where nothing is left at the end of the day.
    `expected_demand` is the mean that demand was drawn with; `discount_pct` is that of the campaign running, planned three
    weeks ahead, else 0.
    """
    days = config.days
    day, store, variant = np.nonzero(np.arange(days)[:, None, None] >= flow.starts[None])
    order = np.lexsort((day, variant, store))
    day, store, variant = day[order], store[order], variant[order]
    campaign = drawn.campaigns.running[master.sites.region[CENTRES + store], master.articles.generic[variant], day]
    site, article = pl.Series(CENTRES + store), pl.Series(variant)
    cell = {
        name: getattr(flow, name)[day, store, variant] for name in ("demand", "sold", "lost", "received", "stock", "minimum", "maximum")
    }
    frame = pl.DataFrame(
        {
            "article": master.articles.plain.gather(article),
            "site": master.sites.code.gather(site),
            "ds": days_to_dates(config.start, day),
            **cell,
            "expected_demand": drawn.rates[store, variant, day],
            "discount_pct": np.append(drawn.campaigns.discount, 0)[campaign],
            "region": pl.Series(REGIONS).gather(pl.Series(master.sites.region[CENTRES + store])),
            "category": master.articles.category.gather(article),
        }
    )
    named = frame.select(unique_id=pl.concat_str("article", "site", separator="/"), is_stock_out=pl.col("stock") == 0)
    return pl.concat([named.select("unique_id"), frame, named.select("is_stock_out")], how="horizontal")


def settings_frame(config: SimulationConfig, master: Master, flow: Flow) -> pl.DataFrame:
    """The levels in use: one row per article, site and day from which they held; `minimum` and `maximum` in units."""
    inside = np.arange(config.days)[:, None, None] >= flow.starts[None]
    changed = np.zeros_like(inside)
    changed[0] = True
    levels = flow.minimum[: config.days], flow.maximum[: config.days]
    for level in levels:
        changed[1:] |= level[1:] != level[:-1]
    changed |= np.arange(config.days)[:, None, None] == flow.starts[None]
    day, store, variant = np.nonzero(changed & inside)
    columns = {
        "article": master.articles.plain.gather(pl.Series(variant)),
        "site": master.sites.code.gather(pl.Series(CENTRES + store)),
        "valid_from": days_to_dates(config.start, day),
        "minimum": levels[0][day, store, variant],
        "maximum": levels[1][day, store, variant],
    }
    return pl.DataFrame(columns).sort("article", "site", "valid_from")


def _sales_before(config: SimulationConfig, drawn: Drawn, policy: MinMaxPolicy) -> np.ndarray:
    """Sales of the days before the horizon, drawn from the mean of its first weeks; by [day, store, variant]."""
    mean = drawn.rates[:, :, : policy.trailing_days].mean(axis=2)
    size = (policy.trailing_days, *mean.shape)
    return config.rng("replenishment").poisson(np.round(mean, 6), size).astype(np.int32)


def _levels(trailing: np.ndarray, age_days: np.ndarray, policy: MinMaxPolicy) -> tuple[np.ndarray, np.ndarray]:
    """Minimum and maximum by [store, variant] from trailing sales by [day, store, variant] and the variants' age in days."""
    total = trailing.sum(axis=0)
    known = np.clip(age_days, 0, policy.trailing_days)
    is_known = known >= policy.known_days
    own = total / np.maximum(known, 1)
    mean_of_store = (own * is_known).sum(axis=1, keepdims=True) / max(1, int(is_known.sum()))
    daily = np.where(is_known, own, mean_of_store)
    minimum = np.maximum(policy.least_units, np.ceil(daily * policy.minimum_cover_days)).astype(np.int32)
    return minimum, np.maximum(minimum + 1, np.ceil(daily * policy.maximum_cover_days)).astype(np.int32)


def delivery_days(routes: Routes, days: int) -> np.ndarray:
    """True on the delivery days of the horizon, by [store, day]."""
    return routes.last_delivery[:, PAST_DAYS : PAST_DAYS + days] == np.arange(days)


def arrivals(routes: Routes, days: int) -> np.ndarray:
    """Day on which goods arrive that are ordered in the evening of a day, by [store, day]; `days` where none is left.

    The centre issues them on the next day at the earliest, and they come with the first delivery that this is in time for.
    """
    day = np.arange(days)
    transit = routes.transit[:, PAST_DAYS : PAST_DAYS + days]
    in_time = np.where(delivery_days(routes, days), day - transit, -1)
    arrival = np.full_like(in_time, days)
    for later in range(days - 1, -1, -1):
        recent = slice(max(0, later - _LONGEST_WAIT_DAYS), later)
        arrival[:, recent] = np.where(day[recent] < in_time[:, later, None], later, arrival[:, recent])
    return arrival
