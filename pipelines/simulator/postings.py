"""Postings: groups what happened into material documents, and tells every event the document it was posted by.

Senders, documents and their order belong here; columns of SAP do not, see feeds_movements.py. Issues to stores are
delivery documents (delivery_items.py), sales and returns are till receipts (feeds_pos.py): neither appears here.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from pipelines.simulator.arrays import (
    by_day,
    numbers,
    run_starts,
    sorted_by,
    text,
)
from pipelines.simulator.config import DAY_SECONDS
from pipelines.simulator.events import FLOOR, Kind
from pipelines.simulator.master import CENTRES
from pipelines.simulator.story import Story

__all__ = ["LOCATIONS", "Postings", "build_postings"]

LOCATIONS = pl.Series([None, "0001", "0002", None, None, None, "0006", None, None, None], dtype=pl.String)


_NOT_HERE = (Kind.ISSUE, Kind.SALE, Kind.RETURN, Kind.INSPECT, Kind.VANISH)


_PREFIX_OF = {
    Kind.OPENING: "OB",
    Kind.CENTRE_RECEIPT: "WR",
    Kind.STORE_RECEIPT: "RC",
    Kind.TO_VENDOR: "RO",
    Kind.FROM_VENDOR: "RI",
    Kind.REPAIRED: "RI",
    Kind.VENDOR_RETURN: "RV",
    Kind.SCRAP: "SC",
}
"""Prefix of the document number that the sender gives; every other document is a transfer."""


_PREFIX = pl.Series([_PREFIX_OF.get(kind, "TR") for kind in Kind])


_UNITS_PER_OPENING = 5_000
_AGAIN = -2
"""Event of a line by which a unit is loaded once more: a document of its own."""


@dataclass(frozen=True)
class Postings:
    """Lines of material documents in the order of their files, and the document of every event.

    `consumed` lines (1) are the 543 beside the 101 of a repaired unit. `document_of_event` is -1 for events that no
    document can carry; `document_text` is the number given by the sender.
    """

    lines: pl.DataFrame
    document_text: pl.Series
    document_of_event: np.ndarray


def build_postings(story: Story) -> Postings:
    """Groups events and bulk lines into material documents; lines that were scanned but never posted keep their
    document.
    """
    events = story.life.events.with_row_index("event")
    lines = events.filter(~pl.col("kind").is_in([int(k) for k in _NOT_HERE]))
    article = story.units.variant[lines["unit"].to_numpy()]
    lines = lines.with_columns(
        article=pl.Series(article).cast(pl.Int32),
        quantity=pl.lit(1, dtype=pl.Int64),
        event=pl.col("event").cast(pl.Int64),
    )
    lines = pl.concat([lines, *_loaded_again(story, lines), _bulk(story, lines.columns, lines.schema)]).with_columns(consumed=0)
    consumed = lines.filter(pl.col("kind") == int(Kind.REPAIRED)).with_columns(consumed=1)
    lines = pl.concat([lines, consumed]).drop("physical")
    day = (lines["time"] // DAY_SECONDS).cast(pl.Int64)
    sender = _sender(lines)
    late = np.stack([story.file_days.feeds["mbgmcr_HANDHELD"], story.file_days.feeds["mbgmcr_WMS"], np.arange(story.config.days)])
    file_day = late[sender, day.to_numpy()]
    chunk = np.where(
        lines["kind"].to_numpy() == Kind.OPENING,
        lines["unit"].to_numpy() // _UNITS_PER_OPENING + np.where(lines["event"].to_numpy() == _AGAIN, len(story.units), 0),
        lines["reference"].to_numpy(),
    )
    item = lines["article"].to_numpy().astype(np.int64) * 2 + lines["used"].to_numpy()
    lines = lines.with_columns(
        chunk=pl.Series(chunk), item=pl.Series(item), day=day, sender=pl.Series(sender), file_day=pl.Series(file_day)
    )
    keys = ("sender", "file_day", "day", "kind", "site", "to_site", "chunk")
    lines = sorted_by(lines, *keys, "item", "consumed", "unit")
    document = np.cumsum(run_starts(*(lines[key].to_numpy() for key in keys))) - 1
    of_event = np.full(len(events), -1)
    carried = lines["event"].to_numpy() >= 0
    of_event[lines["event"].to_numpy()[carried]] = document[carried]
    lines = lines.with_columns(document=pl.Series(document)).drop("chunk")
    return Postings(lines, _document_text(story, lines), of_event)


def _loaded_again(story: Story, lines: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Lines by which a unit is loaded twice at its site, and by which it is loaded at another site as well."""
    plan, go_live = story.plan, story.master.sites.go_live
    opened = lines.filter(pl.col("kind") == int(Kind.OPENING))
    twice = opened.filter(pl.col("unit").is_in(plan.units["load_twice"].astype(np.int32))).with_columns(
        event=pl.lit(_AGAIN, dtype=pl.Int64)
    )
    other = pl.DataFrame({"unit": plan.units["load_elsewhere"], "other": plan.loaded_elsewhere_at}).cast(pl.Int32)
    elsewhere = opened.join(other, on="unit", how="inner", maintain_order="left")
    day = pl.Series(go_live[elsewhere["other"].to_numpy()])
    elsewhere = elsewhere.with_columns(
        site="other", to_site="other", time=day * DAY_SECONDS + pl.col("time") % DAY_SECONDS, event=pl.lit(_AGAIN, dtype=pl.Int64)
    )
    return twice, elsewhere.select(pl.col(name).cast(dtype) for name, dtype in lines.schema.items())


def _sender(lines: pl.DataFrame) -> np.ndarray:
    kind, site = lines["kind"].to_numpy(), lines["site"].to_numpy()
    warehouse = (kind == Kind.CENTRE_RECEIPT) | (np.isin(kind, [Kind.LOSS, Kind.GAIN]) & (site < CENTRES))
    return np.where(kind == Kind.OPENING, 2, np.where(warehouse, 1, 0)).astype(np.int64)


def _document_text(story: Story, lines: pl.DataFrame) -> pl.Series:
    """Number that the sender gave each document; a count difference bears the number of its count."""
    first = lines.unique("document", keep="first", maintain_order=True)
    kind = first["kind"].cast(pl.Int64)
    plain = text(_PREFIX, kind) + numbers("", first["document"] + 1, 8)
    counted = (
        "C"
        + story.master.sites.code.gather(first["site"].cast(pl.Int64))
        + by_day(story.start, story.config.days, "%y%m%d").gather(first["day"])
    )
    return pl.select(pl.when(kind >= int(Kind.LOSS)).then(counted).otherwise(plain)).to_series()


def _bulk(story: Story, columns: list[str], schema: pl.Schema) -> pl.DataFrame:
    """Lines without serial numbers: accessories in the opening stock, and bulk lines of both kinds of deliveries."""
    config, sites, articles = story.config, story.master.sites, story.master.articles
    inbound, deliveries = story.inbound, story.deliveries
    accessory = pl.DataFrame({"article": articles.variants + np.arange(articles.accessories)})
    store = np.arange(len(sites.go_live))
    quantity = np.where(store < CENTRES, 40, 4) * np.ceil(10 * config.scale).astype(np.int64)
    opening = pl.DataFrame({"site": store, "day": sites.go_live, "quantity": quantity}).join(accessory, how="cross")
    coming = inbound.bulk.with_columns(
        site=pl.Series(inbound.centre[inbound.bulk["document"]]),
        day=pl.Series(inbound.received[inbound.bulk["document"]]),
    )
    going = deliveries.bulk.with_columns(
        site=pl.Series(deliveries.site[deliveries.bulk["document"]]),
        day=pl.Series(deliveries.receipt[deliveries.bulk["document"]]),
    )
    parts = [
        part.select(
            pl.col("site", "day", "quantity", "article"),
            kind=pl.lit(int(kind)),
            reference=pl.col("document") if "document" in part.columns else pl.lit(-1),
        )
        for part, kind in ((opening, Kind.OPENING), (coming, Kind.CENTRE_RECEIPT), (going, Kind.STORE_RECEIPT))
    ]
    rows = pl.concat([p.select(pl.all().cast(pl.Int64)) for p in parts]).filter(pl.col("day") < config.days)
    time = rows["day"] * DAY_SECONDS + 8 * 3600
    rows = rows.with_columns(
        time=time,
        unit=pl.lit(-1),
        to_site="site",
        location=FLOOR,
        to_location=FLOOR,
        used=False,
        posted=True,
        physical=True,
        event=-1,
    )
    return rows.select(columns).cast(dict(schema))
