"""Counting: which units a count finds, and the differences it leads to.

Stores count their sales floor every 14 days at 21:00, centres every 28 days at 12:00; a difference is posted at 21:35
of that day. Before its doors open on the day of its go-live, a site scans everything once: the count that the initial
load is checked against. Why books and places differ is in differences.py.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from pipelines.simulator.config import DAY_SECONDS, SimulationConfig
from pipelines.simulator.events import FLOOR, Kind, moves
from pipelines.simulator.master import CENTRES, Master

__all__ = ["CountPlan", "count_differences", "counted_at_cut_over", "counted_units", "plan_counts"]

CountPlan = tuple[np.ndarray, np.ndarray]
"""Second of the first count and seconds between counts, by site."""


def plan_counts(config: SimulationConfig, master: Master) -> CountPlan:
    """When each site counts; stores start 3 to 9 days after their go-live."""
    site = np.arange(CENTRES + config.stores)
    centre = site < CENTRES
    first_day = np.where(centre, 9 + 3 * site, master.sites.go_live + 3 + site % 7)
    return first_day * DAY_SECONDS + np.where(centre, 12, 21) * 3600, np.where(centre, 28, 14) * DAY_SECONDS


def next_count(plan: CountPlan, site: np.ndarray, time: np.ndarray) -> np.ndarray:
    """Second of the first count of each site at or after a time."""
    first, period = plan[0][site], plan[1][site]
    return first + np.maximum(0, -((first - time) // period)) * period


def count_differences(
    config: SimulationConfig,
    plan: CountPlan,
    *,
    kind: Kind,
    unit: np.ndarray,
    site: np.ndarray,
    since: np.ndarray,
    until: np.ndarray | int,
    physical: bool = False,
) -> pl.DataFrame:
    """One event per unit whose book and place differ from `since` to `until`, at the first count in between; LOSS or
    GAIN.
    """
    counted = next_count(plan, site, since)
    seen = (counted < until) & (counted < config.end_second)
    posted_at = counted - counted % DAY_SECONDS + 77_700
    place = {"to_site": site[seen], "to_location": FLOOR} if kind == Kind.GAIN else {}
    return moves(kind, unit[seen], posted_at[seen], site=site[seen], physical=physical, **place)


def counted_units(config: SimulationConfig, plan: CountPlan, *, events: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    """One row per unit found by a count: unit, site, time. `events` are sorted by unit and time."""
    here = events.filter("physical").select("unit", "time", "to_site", "to_location")
    stays = here.with_columns(
        until=pl.when(pl.col("unit").shift(-1) == pl.col("unit")).then(pl.col("time").shift(-1)).otherwise(config.end_second)
    ).filter((pl.col("to_location") == FLOOR) & (pl.col("to_site") >= 0))
    site = stays["to_site"].to_numpy().astype(np.int64)
    first, period = plan[0][site], plan[1][site]
    lowest = np.maximum(0, -((first - stays["time"].to_numpy()) // period))
    highest = -((first - stays["until"].to_numpy()) // period) - 1
    number = np.maximum(0, highest - lowest + 1)
    row = np.repeat(np.arange(len(site)), number)
    nth = np.arange(len(row)) - np.repeat(np.cumsum(number) - number, number) + lowest[row]
    counted = first[row] + nth * period[row] + rng.integers(0, 1500, len(row))
    return pl.DataFrame({"unit": stays["unit"].gather(row), "site": site[row], "time": counted})


def counted_at_cut_over(events: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    """One row per unit found in the count of its site's cut-over, from 06:40 on: unit, site, time."""
    here = events.filter(pl.col("kind") == int(Kind.OPENING))
    day = here["time"].cast(pl.Int64) // DAY_SECONDS
    time = day * DAY_SECONDS + 24_000 + pl.Series(rng.integers(0, 3600, len(here)))
    return here.select("unit", pl.col("site").cast(pl.Int64), time=time)
