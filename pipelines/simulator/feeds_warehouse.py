"""Warehouse and handheld feeds: receipts and counts of the centres, scans of the stores.

The columns of wms/receipts, wms/counts and handheld/scans belong here; article numbers carry no leading zeros in
these systems. The postings that follow the scans are in postings.py.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from pipelines.simulator.arrays import by_day, numbers, run_starts, seconds_to_times, sorted_by, text
from pipelines.simulator.config import DAY_SECONDS
from pipelines.simulator.delivery_items import DeliveryItems
from pipelines.simulator.events import AT_VENDOR, Kind
from pipelines.simulator.master import CENTRES, MAKERS, REPAIR_VENDORS
from pipelines.simulator.postings import LOCATIONS, Postings
from pipelines.simulator.selling import CONDITIONS, DISPOSITIONS
from pipelines.simulator.shaping import conform, dated_files
from pipelines.simulator.story import Story

__all__ = ["count_documents", "counts_feed", "receipts_feed", "scans_feed"]

_ACTION: dict[Kind, str] = {
    Kind.STORE_RECEIPT: "receive",
    Kind.TO_BACK_ROOM: "transfer",
    Kind.TO_FLOOR: "transfer",
    Kind.TO_HOLD: "transfer",
    Kind.FROM_HOLD: "transfer",
    Kind.MOVE: "transfer",
    Kind.REMOVE: "transfer",
    Kind.PLACE: "transfer",
    Kind.INSPECT: "inspect",
    Kind.TO_VENDOR: "repair_out",
    Kind.FROM_VENDOR: "repair_in",
    Kind.REPAIRED: "repair_in",
    Kind.VENDOR_RETURN: "ship",
    Kind.SCRAP: "scrap",
}
_ACTIONS = pl.Series([*[_ACTION.get(kind) for kind in Kind], "count"], dtype=pl.String)
_COUNT = len(Kind)
_SENT_ON = [int(k) for k in (Kind.TO_BACK_ROOM, Kind.TO_FLOOR, Kind.TO_HOLD, Kind.FROM_HOLD, Kind.MOVE, Kind.REMOVE, Kind.PLACE)]
_REPAIRS = [int(k) for k in (Kind.TO_VENDOR, Kind.FROM_VENDOR, Kind.REPAIRED)]


def receipts_feed(story: Story, postings: Postings, items: DeliveryItems) -> pl.DataFrame:
    """The feed wms/receipts: one row per unit received at a centre, one per bulk item."""
    lines = postings.lines.filter((pl.col("kind") == int(Kind.CENTRE_RECEIPT)) & (pl.col("time") < story.config.end_second))
    file_day = story.file_days.of("wms", lines["day"].to_numpy())
    lines = lines.with_columns(wms_day=pl.Series(file_day)).sort("wms_day", "document", "item", "unit", maintain_order=True)
    starts = run_starts(lines["document"].to_numpy())
    count = np.cumsum(run_starts(lines["document"].to_numpy(), lines["item"].to_numpy()))
    line = count - np.maximum.accumulate(np.where(starts, count, 0)) + 1
    unit, document, article = (lines[c].to_numpy().astype(np.int64) for c in ("unit", "reference", "article"))
    carton = np.where(unit >= 0, items.carton_of_unit["inbound"][unit], -1)
    columns = {
        "receipt_number": postings.document_text.gather(lines["document"]),
        "receipt_line": line,
        "site": story.master.sites.code.gather(lines["site"].cast(pl.Int64)),
        "storage_location": "0001",
        "received_at": seconds_to_times(story.start, lines["time"]),
        "vendor": MAKERS.gather(story.inbound.maker[document]),
        "asn_number": numbers("ASN-", document + 1, 8),
        "delivery_number": items.delivery.gather(document),
        "purchase_order": items.order.gather(document),
        "purchase_order_item": _item(items.number(document, article)),
        "article": story.master.articles.plain.gather(article),
        "serial_number": text(story.serial, unit),
        "quantity": lines["quantity"].cast(pl.Decimal(15, 3)),
        "handling_unit": text(items.cartons, carton),
        "condition_code": "A",
    }
    return conform(
        "wms/receipts",
        columns,
        dated_files(story.start, "wms/receipts_", lines["wms_day"], suffix=".csv", days=story.config.days),
    )


def _item(item: np.ndarray) -> pl.Series:
    return text(pl.Series([f"{10 * k:05d}" for k in range(int(item.max(initial=0)) + 1)]), item)


def count_documents(story: Story, site: pl.Series, day: pl.Series) -> pl.Series:
    """Number of the count of a site on a day."""
    return (
        "C"
        + story.master.sites.code.gather(site.cast(pl.Int64))
        + by_day(story.start, story.config.days, "%y%m%d").gather(day.cast(pl.Int64))
    )


def counts_feed(story: Story) -> pl.DataFrame:
    """The feed wms/counts: one row per unit found at a centre."""
    rows = story.life.counted.filter(pl.col("site") < CENTRES).sort("time", "unit")
    day = rows["time"] // DAY_SECONDS
    columns = {
        "count_document": count_documents(story, rows["site"], day),
        "site": story.master.sites.code.gather(rows["site"]),
        "storage_location": "0001",
        "counted_at": seconds_to_times(story.start, rows["time"]),
        "article": story.master.articles.plain.gather(story.units.variant[rows["unit"]]),
        "serial_number": story.serial.gather(rows["unit"].cast(pl.Int64)),
        "quantity": pl.repeat(1, len(rows), dtype=pl.Int64, eager=True).cast(pl.Decimal(15, 3)),
    }
    return conform("wms/counts", columns, dated_files(story.start, "wms/counts_", day, suffix=".csv", days=story.config.days))


def scans_feed(story: Story, postings: Postings, items: DeliveryItems) -> pl.DataFrame:
    """The feed handheld/scans: one row per scan, sorted by file and time."""
    rows = _scans(story, postings)
    day = rows["time"].to_numpy() // DAY_SECONDS
    rows = rows.with_columns(day=pl.Series(day), file_day=pl.Series(story.file_days.of("handheld", day)))
    rows = sorted_by(rows, "file_day", "time", "unit")
    kind, site, unit = (rows[c].cast(pl.Int64) for c in ("kind", "site", "unit"))
    codes = story.master.sites.code
    devices = pl.Series([f"HH-{code}-{k}" for code in codes for k in range(1, 5)])
    received = (kind == int(Kind.STORE_RECEIPT)).to_numpy()
    delivery = np.where(received, rows["reference"].to_numpy() + items.first_delivery, -1)
    counted = kind == _COUNT
    sent_on = kind.is_in(_SENT_ON).to_numpy()
    at = np.where(rows["location"].to_numpy() == AT_VENDOR, 0, rows["location"].to_numpy())
    columns = {
        "scan_id": numbers("SCN", np.arange(len(rows)) + 1, 10),
        "device_id": devices.gather(site * 4 + unit % 4),
        "scanned_at": seconds_to_times(story.start, rows["time"]),
        "site": codes.gather(site),
        "storage_location": text(LOCATIONS, at.astype(np.int64)),
        "action": _ACTIONS.gather(kind),
        "document_id": text(postings.document_text, rows["document"]),
        "delivery_number": text(items.delivery, delivery),
        "count_document": pl.select(pl.when(counted).then(count_documents(story, site, rows["day"]))).to_series(),
        "article": story.master.articles.plain.gather(story.units.variant[unit]),
        "serial_number": _scanned_serials(story, unit, received),
        "to_site": text(codes, np.where(sent_on, rows["to_site"].to_numpy(), -1)),
        "to_storage_location": text(LOCATIONS, np.where(sent_on, rows["to_location"].to_numpy(), -1)),
        "handling_unit": text(items.cartons, np.where(received, items.carton_of_unit["delivery"][unit], -1)),
        **_judgement(story, rows, kind),
    }
    return conform(
        "handheld/scans",
        columns,
        dated_files(story.start, "handheld/scans_", rows["file_day"], suffix=".jsonl", days=story.config.days),
    )


def _scans(story: Story, postings: Postings) -> pl.DataFrame:
    """Scans of events and of counts under one set of columns; `document` is -1 where nothing is posted."""
    scanned = [int(kind) for kind in _ACTION]
    silent = (pl.col("kind") == int(Kind.PLACE)) & ~pl.col("posted")
    events = story.life.events.with_columns(document=pl.Series(postings.document_of_event))
    names = ("unit", "time", "kind", "site", "location", "to_site", "to_location", "reference", "document")
    events = events.filter(pl.col("kind").is_in(scanned) & pl.col("physical") & ~silent).select(pl.col(*names).cast(pl.Int64))
    counts = story.life.counted.filter(pl.col("site") >= CENTRES)
    fixed = {"kind": _COUNT, "location": 1, "to_site": -1, "to_location": -1, "reference": -1, "document": -1}
    found = counts.with_columns(**{k: pl.lit(v) for k, v in fixed.items()})
    return pl.concat([events, found.select(pl.col(*names).cast(pl.Int64))])


def _scanned_serials(story: Story, unit: pl.Series, received: np.ndarray) -> pl.Series:
    true = story.serial.gather(unit)
    row = np.flatnonzero(received & story.plan.is_one("mistyped_receipt")[unit.to_numpy()])
    return true.scatter(row, story.typed.gather(unit.to_numpy()[row]))


def _judgement(story: Story, rows: pl.DataFrame, kind: pl.Series) -> dict[str, pl.Series]:
    """Condition and disposition of inspected units, vendor of repaired ones; units damaged on their way are D and
    scrapped.
    """
    inspected = (kind == int(Kind.INSPECT)).to_numpy()
    reference = rows["reference"].to_numpy()
    of_return = inspected & (reference >= 0)
    safe = np.where(of_return, reference, 0)
    condition = np.where(of_return, story.life.returns["condition"].to_numpy()[safe], np.where(inspected, 3, -1))
    disposition = np.where(of_return, story.life.returns["disposition"].to_numpy()[safe], np.where(inspected, 3, -1))
    repairs = kind.is_in(_REPAIRS).to_numpy()
    maker = np.where((kind == int(Kind.VENDOR_RETURN)).to_numpy(), story.master.articles.maker[story.units.variant[rows["unit"]]], -1)
    vendor = pl.select(pl.coalesce(text(REPAIR_VENDORS, np.where(repairs, reference, -1)), text(MAKERS, maker))).to_series()
    return {
        "condition_code": text(CONDITIONS, condition),
        "disposition_code": text(DISPOSITIONS, disposition),
        "vendor": vendor,
    }
