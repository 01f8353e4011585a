"""Differences: which units a count posts as lost or found, because the books and the place differ.

The causes belong here: goods lost in a store or a centre, sales typed under another number, receipts and transfers
never posted, units left out of an initial load, goods that stayed behind. When sites count, and what a count finds, is in counting.py.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from pipelines.simulator.config import DAY_SECONDS, SimulationConfig
from pipelines.simulator.counting import CountPlan, count_differences
from pipelines.simulator.events import Kind
from pipelines.simulator.faults import FaultPlan
from pipelines.simulator.supply import Units

__all__ = ["find_differences", "leave_unposted"]

_LOST = ((Kind.VANISH, "store_loss"), (Kind.VANISH, "centre_loss"), (Kind.SALE, "mistyped_sale"))
_FOUND = (
    (Kind.STORE_RECEIPT, "receipt_not_posted"),
    (Kind.STORE_RECEIPT, "mistyped_receipt"),
    (Kind.PLACE, "placement_missing"),
    (Kind.OPENING, "load_missing"),
    (Kind.OPENING, "load_mistyped"),
)
_FAR = 1 << 30


def find_differences(config: SimulationConfig, counts: CountPlan, happened: pl.DataFrame, *, units: Units, plan: FaultPlan) -> pl.DataFrame:
    """Gains and losses that counts post within the horizon, as events."""
    losses = [
        count_differences(config, counts, kind=Kind.LOSS, until=_FAR, **_since(happened, kind, plan.units[name])) for kind, name in _LOST
    ]
    again = _found_again(config, counts, losses[0])
    return pl.concat([*losses, again, *_gains(config, counts, happened, units=units, plan=plan)])


def leave_unposted(config: SimulationConfig, events: pl.DataFrame) -> pl.DataFrame:
    """The events, sorted by unit and time, with some differences that nothing followed left as the count found them.

    A share of the units concerned, at least the minimum of losses and of gains each.
    """
    rng, rates = config.rng("unposted_counts"), config.faults
    is_last = (pl.col("unit") != pl.col("unit").shift(-1)).fill_null(value=True)
    chosen = []
    for kind in (Kind.LOSS, Kind.GAIN):
        able = events.select(((pl.col("kind") == int(kind)) & is_last).arg_true()).to_series().to_numpy()
        count = min(len(able), max(rates.minimum, round(rates.count_not_posted * len(able))))
        chosen.append(rng.choice(able, count, replace=False))
    unposted = pl.int_range(pl.len()).is_in(pl.Series(np.concatenate(chosen)).implode())
    return events.with_columns(posted=pl.col("posted") & ~unposted)


def _since(happened: pl.DataFrame, kind: Kind, unit: np.ndarray) -> dict[str, np.ndarray]:
    """Unit, site and second of the events of one kind that happened to these units."""
    rows = happened.filter((pl.col("kind") == int(kind)) & pl.col("unit").is_in(unit.astype(np.int32)))
    columns = {"unit": "unit", "site": "site", "since": "time"}
    return {name: rows[column].to_numpy().astype(np.int64) for name, column in columns.items()}


def _found_again(config: SimulationConfig, counts: CountPlan, losses: pl.DataFrame) -> pl.DataFrame:
    """Three of ten units lost in a store were only misplaced; the next count finds them."""
    misplaced = losses.filter(pl.col("unit") % 10 < 3)
    unit, site, lost_at = (misplaced[name].to_numpy().astype(np.int64) for name in ("unit", "site", "time"))
    return count_differences(config, counts, kind=Kind.GAIN, unit=unit, site=site, since=lost_at + DAY_SECONDS, until=_FAR, physical=True)


def _gains(config: SimulationConfig, counts: CountPlan, happened: pl.DataFrame, *, units: Units, plan: FaultPlan) -> list[pl.DataFrame]:
    """Units that are there though the books say otherwise, until they are sold."""
    frames = []
    for kind, name in _FOUND:
        rows = _since(happened, kind, plan.units[name])
        until = _FAR if name == "placement_missing" else units.sale_day[rows["unit"]] * DAY_SECONDS
        frames.append(count_differences(config, counts, kind=Kind.GAIN, until=until, **rows))
    stayed = plan.units["wrong_sent"]
    since = units.issue[stayed] * DAY_SECONDS + 18 * 3600
    site = units.centre[stayed]
    frames.append(count_differences(config, counts, kind=Kind.GAIN, unit=stayed, site=site, since=since, until=_FAR))
    return frames
