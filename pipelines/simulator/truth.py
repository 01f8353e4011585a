"""Truth: what was planted and where every unit really is, with the keys by which a detection can be judged.

One table per kind of fault belongs here; no pipeline reads them. How faults are chosen is in faults.py and
delivery_faults.py.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from pipelines.simulator.arrays import days_to_dates, numbers, seconds_to_times, text
from pipelines.simulator.config import DAY_SECONDS
from pipelines.simulator.delivery_items import DeliveryItems
from pipelines.simulator.demand_truth import demand_truth
from pipelines.simulator.events import AT_VENDOR, IN_TRANSIT, Kind
from pipelines.simulator.feeds_partners import claimed_units
from pipelines.simulator.feeds_pos import Till
from pipelines.simulator.feeds_quality import bad_batches
from pipelines.simulator.master import CARRIERS, REPAIR_VENDORS
from pipelines.simulator.postings import LOCATIONS, Postings
from pipelines.simulator.rings import ring_sites
from pipelines.simulator.story import Story

__all__ = ["truth_tables"]


def truth_tables(story: Story, *, items: DeliveryItems, postings: Postings, till: Till) -> dict[str, pl.DataFrame]:
    """Truth by name, except duplicate_files and what the ERP says amiss, which arise with their feeds."""
    return {
        **_delivery_truth(story, items),
        "one_sided_transfers": _one_sided(story, postings),
        "late_files": _late_files(story),
        "mistyped_serials": _mistyped(story, postings, till),
        "cloned_serials": _cloned(story, till),
        "theft_rings": _rings(story),
        "bad_batches": bad_batches(story),
        "stock_losses": _stock_losses(story),
        "count_differences": _count_differences(story, postings, posted=True),
        "unposted_counts": _count_differences(story, postings, posted=False),
        "units": _units(story),
        "go_lives": pl.DataFrame({"site": story.master.sites.code, "go_live": days_to_dates(story.start, story.master.sites.go_live)}),
        **demand_truth(story),
    }


def _named(story: Story, unit: np.ndarray) -> dict[str, pl.Series]:
    return {
        "article": story.master.articles.plain.gather(story.units.variant[unit]),
        "serial_number": story.serial.gather(pl.Series(unit).cast(pl.Int64)),
    }


def _leg(story: Story, items: DeliveryItems, unit: np.ndarray, *, inbound: bool) -> pl.DataFrame:
    """Units with the delivery concerned: an inbound one from a vendor or a replenishment of a store."""
    units, sites = story.units, story.master.sites
    document = units.inbound[unit] if inbound else units.delivery[unit] + items.first_delivery
    return pl.DataFrame(
        {
            "kind": pl.Series(["inbound" if inbound else "replenishment"] * len(unit), dtype=pl.String),
            "delivery_number": items.delivery.gather(document),
            **_named(story, unit),
            "site": sites.code.gather((units.centre if inbound else units.site)[unit]),
            "due_on": days_to_dates(story.start, (units.centre_received if inbound else units.receipt)[unit]),
        }
    )


def _delivery_truth(story: Story, items: DeliveryItems) -> dict[str, pl.DataFrame]:
    plan, units = story.plan, story.units
    sent, came = plan.units["wrong_sent"], plan.units["wrong_came"]
    wrong = _leg(story, items, sent, inbound=False).with_columns(
        received_article=story.master.articles.plain.gather(units.variant[came]),
        received_serial_number=story.serial.gather(came),
    )
    claimed = claimed_units(story)
    claim = pl.DataFrame({"serial_number": story.serial.gather(claimed["unit"]), "claim_number": claimed["claim_number"]})
    damaged = _leg(story, items, plan.units["damaged"], inbound=False).join(claim, on="serial_number", how="left", maintain_order="left")
    lost = _leg(story, items, plan.units["lost"], inbound=False).join(claim, on="serial_number", how="left", maintain_order="left")

    def carrier(unit: np.ndarray) -> dict[str, pl.Series]:
        delivery = units.delivery[unit]
        number = numbers("1Z", delivery + items.first_delivery + 1, 12)
        return {"tracking_number": number, "carrier": CARRIERS.gather(story.deliveries.carrier[delivery])}

    return {
        "short_deliveries": pl.concat(
            [_leg(story, items, plan.units[f"short_{leg}"], inbound=leg == "inbound") for leg in ("delivery", "inbound")]
        ),
        "over_deliveries": pl.concat(
            [_leg(story, items, plan.units[f"over_{leg}"], inbound=leg == "inbound") for leg in ("delivery", "inbound")]
        ),
        "wrong_articles": wrong,
        "freight_damage": damaged.with_columns(**carrier(plan.units["damaged"])),
        "lost_in_transit": lost.with_columns(**carrier(plan.units["lost"])),
    }


def _one_sided(story: Story, postings: Postings) -> pl.DataFrame:
    """Receipts that were scanned and never posted, and transfers of which only the removal was posted."""
    plan, sites = story.plan, story.master.sites
    events = story.life.events.with_columns(document=pl.Series(postings.document_of_event))
    parts = (("receipt_not_posted", Kind.STORE_RECEIPT), ("placement_missing", Kind.REMOVE))
    frames = []
    for kind, shown_by in parts:
        rows = events.filter((pl.col("kind") == int(shown_by)) & pl.col("unit").is_in(plan.units[kind].astype(np.int32)))
        frames.append(
            pl.DataFrame(
                {
                    "kind": pl.Series([kind] * len(rows), dtype=pl.String),
                    "document": text(postings.document_text, rows["document"]),
                    **_named(story, rows["unit"].to_numpy()),
                    "site": sites.code.gather(rows["site"].cast(pl.Int64)),
                    "to_site": sites.code.gather(rows["to_site"].cast(pl.Int64)),
                    "happened_at": seconds_to_times(story.start, rows["time"]),
                }
            )
        )
    return pl.concat(frames)


def _late_files(story: Story) -> pl.DataFrame:
    """Feeds and days whose records came in the file of a later day."""
    site, day = np.nonzero(story.file_days.tills != np.arange(story.config.days))
    frames = [_late(story, "wpubon_" + story.master.sites.code.gather(site), day, story.file_days.tills[site, day])]
    for feed, file_day in story.file_days.feeds.items():
        late = np.flatnonzero(file_day != np.arange(story.config.days))
        frames.append(_late(story, pl.Series([feed] * len(late), dtype=pl.String), late, file_day[late]))
    return pl.concat(frames)


def _late(story: Story, feed: pl.Series, day: np.ndarray, file_day: np.ndarray) -> pl.DataFrame:
    columns = {
        "feed": feed,
        "record_date": days_to_dates(story.start, day),
        "delivered_on": days_to_dates(story.start, file_day),
    }
    return pl.DataFrame(columns).select("feed", "record_date", "delivered_on", days_late=pl.Series(file_day - day))


def _mistyped(story: Story, postings: Postings, till: Till) -> pl.DataFrame:
    sites, plan = story.master.sites, story.plan
    sales = till.of(0).filter(pl.col("unit").is_in(plan.units["mistyped_sale"]))
    lines = postings.lines.filter(
        (pl.col("kind") == int(Kind.STORE_RECEIPT)) & pl.col("unit").is_in(plan.units["mistyped_receipt"].astype(np.int32))
    )
    frames = []
    for kind, rows, document in (
        ("sale", sales, sales["bon"]),
        ("receipt", lines, postings.document_text.gather(lines["document"])),
    ):
        unit = rows["unit"].to_numpy()
        frames.append(
            pl.DataFrame(
                {
                    "kind": pl.Series([kind] * len(rows), dtype=pl.String),
                    "document": document,
                    **_named(story, unit),
                    "typed_serial_number": story.typed.gather(pl.Series(unit).cast(pl.Int64)),
                    "site": sites.code.gather(rows["site"].cast(pl.Int64)),
                    "happened_at": seconds_to_times(story.start, rows["time"]),
                }
            )
        )
    return pl.concat(frames)


def _cloned(story: Story, till: Till) -> pl.DataFrame:
    rows = till.of(2, 3)
    unit = rows["unit"].to_numpy()
    return pl.DataFrame(
        {
            "kind": pl.Series(["cloned_sold", "cloned_returned"]).gather(rows["origin"] - 2),
            **_named(story, unit),
            "genuine_site": story.master.sites.code.gather(story.units.site[unit]),
            "clone_site": story.master.sites.code.gather(rows["site"]),
            "receipt_number": rows["bon"],
            "happened_at": seconds_to_times(story.start, rows["time"]),
        }
    )


def _rings(story: Story) -> pl.DataFrame:
    unit, ring = story.plan.units["ring"], story.plan.ring
    start = story.units.sale_day[unit]
    frame = {
        "ring": ring,
        **_named(story, unit),
        "first_day": days_to_dates(story.start, start),
        "last_day": days_to_dates(story.start, start + 8),
    }
    for role in range(3):
        frame[f"site_{role + 1}"] = story.master.sites.code.gather(ring_sites(story.config, ring, role))
    return pl.DataFrame(frame)


def _stock_losses(story: Story) -> pl.DataFrame:
    """Units that vanished from a store or a centre, whether or not a count has noticed it yet."""
    events = story.life.events.filter(pl.col("kind") == int(Kind.VANISH))
    frames = []
    for kind in ("store_loss", "centre_loss"):
        rows = events.filter(pl.col("unit").is_in(story.plan.units[kind].astype(np.int32)))
        columns = {
            "kind": pl.Series([kind] * len(rows), dtype=pl.String),
            **_named(story, rows["unit"].to_numpy()),
            "site": story.master.sites.code.gather(rows["site"].cast(pl.Int64)),
            "lost_at": seconds_to_times(story.start, rows["time"]),
        }
        frames.append(pl.DataFrame(columns))
    return pl.concat(frames)


def _count_differences(story: Story, postings: Postings, *, posted: bool) -> pl.DataFrame:
    """Losses and gains that counts found, whatever their cause, and somebody posted, or nobody."""
    rows = postings.lines.filter(pl.col("kind").is_in([int(Kind.LOSS), int(Kind.GAIN)]) & (pl.col("posted") == posted))
    return pl.DataFrame(
        {
            "kind": pl.Series(["loss", "gain"]).gather((rows["kind"] == int(Kind.GAIN)).cast(pl.Int64)),
            "count_document": postings.document_text.gather(rows["document"]),
            **_named(story, rows["unit"].to_numpy()),
            "site": story.master.sites.code.gather(rows["site"].cast(pl.Int64)),
            "counted_on": days_to_dates(story.start, rows["time"] // DAY_SECONDS),
        }
    )


def _units(story: Story) -> pl.DataFrame:
    """Every unit that entered the world: status and place at the end of the horizon.

    Status: in_stock, in_transit, sold, at_repair_vendor, returned_to_vendor, scrapped, missing.
    """
    happened = story.life.events.filter("physical")
    last = happened.filter(pl.col("unit") != pl.col("unit").shift(-1, fill_value=-1))
    location, kind = last["to_location"].cast(pl.Int64), last["kind"].cast(pl.Int64)
    leaving = {
        int(Kind.SALE): "sold",
        int(Kind.VENDOR_RETURN): "returned_to_vendor",
        int(Kind.SCRAP): "scrapped",
        int(Kind.VANISH): "missing",
    }
    gone = kind.replace_strict(leaving, default="in_stock", return_dtype=pl.String)
    status = pl.select(
        pl.when(location == IN_TRANSIT)
        .then(pl.lit("in_transit"))
        .when(location == AT_VENDOR)
        .then(pl.lit("at_repair_vendor"))
        .otherwise(gone)
    ).to_series()
    vendor = np.where((location == AT_VENDOR).to_numpy(), last["reference"].to_numpy(), -1)
    return pl.DataFrame(
        {
            **_named(story, last["unit"].to_numpy()),
            "status": status,
            "site": text(story.master.sites.code, last["to_site"]),
            "storage_location": text(LOCATIONS, location),
            "vendor": text(REPAIR_VENDORS, vendor),
            "since": seconds_to_times(story.start, last["time"]),
        }
    )
