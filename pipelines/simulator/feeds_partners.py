"""Partners' feeds: tracking events and claims of carriers, reports of repair vendors.

The columns of carrier/* and repair_vendor/* belong here. Tracking: picked_up, departed, arrived, out_for_delivery,
delivered, with delayed and damaged where it happened; a lost delivery never arrives. Claims and repair reports come
in weekly files.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from pipelines.simulator.aftercare import COMPONENTS, FAULT_CODES, OUTCOMES
from pipelines.simulator.arrays import (
    days_to_dates,
    decimals,
    numbers,
    seconds_to_times,
    text,
)
from pipelines.simulator.config import DAY_SECONDS
from pipelines.simulator.delivery_items import DeliveryItems
from pipelines.simulator.master import CARRIERS, REPAIR_VENDORS
from pipelines.simulator.shaping import conform, dated_files, weekly_files
from pipelines.simulator.story import Story

__all__ = ["claimed_units", "claims_feed", "repairs_feed", "tracking_feed"]

_STATUS = pl.Series(["accepted", "accepted", "accepted", "open", "open", "rejected"])


@dataclass(frozen=True)
class _Step:
    """One tracking event: days and seconds after issue (or, with `at_end`, on the day of receipt), and where."""

    code: str
    day: int
    second: int
    at_end: bool
    at_store: bool


_STEPS = (
    _Step("picked_up", 0, 64_800, False, False),
    _Step("departed", 0, 79_200, False, False),
    _Step("delayed", 1, 50_400, False, False),
    _Step("arrived", 0, 10_800, True, True),
    _Step("out_for_delivery", 0, 19_800, True, True),
    _Step("damaged", 0, 25_200, True, True),
    _Step("delivered", 0, 27_000, True, True),
)


def tracking_feed(story: Story, items: DeliveryItems) -> pl.DataFrame:
    """The feed carrier/tracking_events: one row per event of a replenishment delivery."""
    deliveries, sites = story.deliveries, story.master.sites
    used = items.lines["document"].unique(maintain_order=True).to_numpy() - items.first_delivery
    delivery = np.sort(used[used >= 0])
    lost = np.isin(delivery, story.plan.lost_deliveries)
    shown = {
        "delayed": (deliveries.days_late[delivery] > 0) | lost,
        "damaged": np.isin(delivery, story.plan.damaged_deliveries),
    }
    frames = []
    for number, step in enumerate(_STEPS):
        here = delivery[shown.get(step.code, ~lost if step.at_end else np.ones(len(delivery), dtype=bool))]
        base = deliveries.receipt if step.at_end else deliveries.issue
        time = (base[here] + step.day) * DAY_SECONDS + step.second + here % 1500
        place = np.where(step.at_store, deliveries.site[here], deliveries.centre[here])
        frames.append(pl.DataFrame({"delivery": here, "step": np.full(len(here), number), "time": time, "place": place}))
    rows = pl.concat(frames).filter(pl.col("time") < story.config.end_second)
    rows = rows.with_columns(file_day=pl.Series(story.file_days.of("carrier", rows["time"].to_numpy() // DAY_SECONDS)))
    rows = rows.sort("file_day", "time", "delivery", "step")
    delivery = rows["delivery"].to_numpy()
    columns = {
        "event_id": numbers("TE", np.arange(len(rows)) + 1, 10),
        "tracking_number": numbers("1Z", delivery + items.first_delivery + 1, 12),
        "delivery_number": items.delivery.gather(delivery + items.first_delivery),
        "carrier": CARRIERS.gather(deliveries.carrier[delivery]),
        "event_code": pl.Series([step.code for step in _STEPS]).gather(rows["step"]),
        "event_at": seconds_to_times(story.start, rows["time"]),
        "place": sites.city.gather(rows["place"]),
    }
    files = dated_files(story.start, "carrier/tracking_events_", rows["file_day"], suffix=".csv", days=story.config.days)
    return conform("carrier/tracking_events", columns, files)


def claimed_units(story: Story) -> pl.DataFrame:
    """One row per unit claimed from a carrier: claim, type, delivery, unit, day; every second short unit is claimed."""
    plan, units = story.plan, story.units
    parts = {"damage": plan.units["damaged"], "loss": plan.units["lost"], "short": plan.units["short_delivery"][::2]}
    frames = [
        pl.DataFrame(
            {"unit": unit, "delivery": units.delivery[unit], "day": units.receipt[unit] + 2 + units.delivery[unit] % 4}
        ).with_columns(claim_type=pl.lit(kind), rank=pl.lit(number))
        for number, (kind, unit) in enumerate(parts.items())
    ]
    issued = pl.Series(units.issue >= 0)
    rows = (
        pl.concat(frames)
        .filter(pl.col("day") < story.config.days, issued.gather(pl.concat(frames)["unit"]))
        .sort("day", "delivery", "rank", "unit")
    )
    claim = rows.select(pl.struct("delivery", "rank").rle_id()).to_series()
    return rows.with_columns(claim_number=numbers("FC", claim.cast(pl.Int64) + 1, 8), claim=claim.cast(pl.Int64))


def claims_feed(story: Story, items: DeliveryItems) -> pl.DataFrame:
    """The feed carrier/freight_claims: one row per claim and unit."""
    rows = claimed_units(story)
    variant = story.units.variant[rows["unit"].to_numpy()]
    columns = {
        "claim_number": rows["claim_number"],
        "claimed_on": days_to_dates(story.start, rows["day"]),
        "delivery_number": items.delivery.gather(rows["delivery"] + items.first_delivery),
        "carrier": CARRIERS.gather(story.deliveries.carrier[rows["delivery"].to_numpy()]),
        "claim_type": rows["claim_type"],
        "article": story.master.articles.plain.gather(variant),
        "serial_number": story.serial.gather(rows["unit"]),
        "amount": decimals(story.master.articles.price[variant] * 70 // 100, 2, divisor=100),
        "currency": "USD",
        "claim_status": _STATUS.gather(rows["claim"] % 6),
    }
    return conform(
        "carrier/freight_claims",
        columns,
        weekly_files(story.start, "carrier/freight_claims_", rows["day"], days=story.config.days),
    )


def repairs_feed(story: Story) -> pl.DataFrame:
    """The feed repair_vendor/repair_orders: one row per repair that ended, in a weekly file of its vendor."""
    rows = story.life.repairs.filter(pl.col("back") <= story.config.days - 1).sort("vendor", "back", "unit")
    component = text(COMPONENTS, np.where(rows["outcome"].to_numpy() == 1, -1, rows["component"].to_numpy()))
    columns = {
        "repair_order": numbers("RP", np.arange(len(rows)) + 1, 8),
        "vendor": REPAIR_VENDORS.gather(rows["vendor"]),
        "article": story.master.articles.plain.gather(rows["variant"]),
        "serial_number": story.serial.gather(rows["unit"].cast(pl.Int64)),
        "received_on": days_to_dates(story.start, rows["out"] + 1),
        "returned_on": days_to_dates(story.start, rows["back"] - 1),
        "fault_code": text(FAULT_CODES, np.where(rows["outcome"].to_numpy() == 1, -1, rows["component"].to_numpy())),
        "component": component,
        "outcome": OUTCOMES.gather(rows["outcome"]),
        "repair_cost": decimals(rows["cost"], 2, divisor=100),
        "currency": "USD",
    }
    dated = weekly_files(story.start, "", rows["back"], days=story.config.days)
    return conform(
        "repair_vendor/repair_orders",
        columns,
        "repair_vendor/repair_orders_" + REPAIR_VENDORS.gather(rows["vendor"]) + "_" + dated,
    )
