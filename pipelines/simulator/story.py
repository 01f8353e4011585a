"""Story: one simulated world before it is written down, and the serial numbers of its units.

Building the story and naming its units belong here. The feeds made from it are in feeds_*.py, the truth about it in
truth.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl

from pipelines.simulator.arrays import position_in_run, run_starts
from pipelines.simulator.config import SimulationConfig
from pipelines.simulator.delivery_faults import FileDays, plan_file_days
from pipelines.simulator.demand import Campaigns, Demand, Drawn, demand_of, draw_demand
from pipelines.simulator.documents import Deliveries, Inbound, build_deliveries, build_inbound
from pipelines.simulator.faults import FaultPlan, plan_faults
from pipelines.simulator.life import Life, live
from pipelines.simulator.master import Master, build_master
from pipelines.simulator.replenishing import Flow, MinMaxPolicy, flow_of
from pipelines.simulator.supply import Routes, Units, build_routes, build_units, units_received

__all__ = ["Story", "batch_codes", "build_story"]

_PREFIX = ("VX", "NR", "QT")


@dataclass(frozen=True)
class Story:
    """Everything that happened, as arrays. `serial` names each unit; `typed` differs where a clerk swapped two
    characters. `demand` is what is sold, out of what is `drawn`; `flow` is the stock of stores where they order by levels.
    """

    config: SimulationConfig
    master: Master
    drawn: Drawn
    flow: Flow | None
    demand: Demand
    units: Units
    inbound: Inbound
    deliveries: Deliveries
    plan: FaultPlan
    life: Life
    serial: pl.Series
    typed: pl.Series
    file_days: FileDays

    @property
    def start(self) -> date:
        """First day of the horizon."""
        return self.config.start

    @property
    def campaigns(self) -> Campaigns:
        """Campaigns of the horizon and of the look-ahead."""
        return self.demand.campaigns


def build_story(config: SimulationConfig) -> Story:
    """The world of these settings."""
    master = build_master(config)
    drawn = draw_demand(config, master)
    routes = build_routes(config)
    flow = flow_of(config, master, drawn, routes, MinMaxPolicy()) if config.replenishment == "min_max" else None
    demand, units = _supplied_demand(config, master, drawn=drawn, routes=routes, flow=flow)
    inbound = build_inbound(config, master, routes=routes, units=units)
    deliveries = build_deliveries(config, master, demand=demand, routes=routes, units=units)
    plan = plan_faults(config, master, units=units, deliveries=deliveries)
    life = live(config, master, campaigns=demand.campaigns, units=units, inbound=inbound, deliveries=deliveries, plan=plan)
    serial = _serial_numbers(config, master, units)
    by_clerks = np.concatenate([plan.units["mistyped_receipt"], plan.units["mistyped_sale"]])
    typed = _mistype(config.rng("typing"), serial, serial, by_clerks)
    typed = _mistype(config.rng("load_typing"), serial, typed, plan.units["load_mistyped"])
    return Story(config, master, drawn, flow, demand, units, inbound, deliveries, plan, life, serial, typed, plan_file_days(config))


def _supplied_demand(config: SimulationConfig, master: Master, *, drawn: Drawn, routes: Routes, flow: Flow | None) -> tuple[Demand, Units]:
    """What is sold, and the units behind it: everything that is asked for, or what the flow of stock allows."""
    if flow is None:
        demand = demand_of(drawn.campaigns, drawn.counts)
        return demand, build_units(config, master, demand, routes)
    sold, received = (demand_of(drawn.campaigns, np.moveaxis(units, 0, 2)) for units in (flow.sold, flow.received))
    return sold, units_received(config, master, routes, sold=sold, received=received, starts=flow.starts)


def batch_codes(config: SimulationConfig, maker: np.ndarray, week: np.ndarray) -> pl.Series:
    """Maker prefix, last digit of the year and ISO week of production, by unit or batch."""
    weeks = np.unique(week)
    monday = config.start - timedelta(days=config.start.weekday())
    iso = [(monday + timedelta(days=7 * int(w))).isocalendar() for w in weeks]
    codes = pl.Series([f"{prefix}{i.year % 10}{i.week:02d}" for prefix in _PREFIX for i in iso])
    return codes.gather(maker * len(weeks) + np.searchsorted(weeks, week))


def _serial_numbers(config: SimulationConfig, master: Master, units: Units) -> pl.Series:
    """12 characters: batch code and a running number; the units of one variant and week are contiguous."""
    maker = master.articles.maker[units.variant]
    number = position_in_run(run_starts(maker, units.production_week)) + 1
    running = pl.Series("serial", number).cast(pl.String).str.zfill(7)
    return pl.select(batch_codes(config, maker, units.production_week) + running).to_series().alias("serial")


def _mistype(rng: np.random.Generator, serial: pl.Series, typed: pl.Series, chosen: np.ndarray) -> pl.Series:
    """`typed` with two neighbouring characters swapped for the chosen units; never the number of another unit."""
    unit = pl.Series("unit", chosen)
    true = serial.gather(unit)
    swapped = [
        pl.DataFrame({"unit": unit, "true": true}).with_columns(
            wrong=pl.col("true").str.slice(0, p)
            + pl.col("true").str.slice(p + 1, 1)
            + pl.col("true").str.slice(p, 1)
            + pl.col("true").str.slice(p + 2),
        )
        for p in range(1, 11)
    ]
    options = pl.concat(swapped).filter(pl.col("wrong") != pl.col("true"))
    options = options.filter(~pl.col("wrong").is_in(serial.implode()))
    draw = rng.random(len(options))
    swaps = options.with_columns(draw=pl.Series(draw)).sort("unit", "draw").unique("unit", keep="first", maintain_order=True)
    return typed.clone().scatter(swaps["unit"], swaps["wrong"])
