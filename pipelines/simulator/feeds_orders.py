"""Purchase orders: vendor orders, stock transport orders and subcontracting orders behind deliveries and repairs.

The columns of sap/ekko and sap/ekpo belong here, one order per delivery document and one per posting of repaired
units. Quantities are what was announced. Deliveries themselves are in feeds_deliveries.py.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from pipelines.simulator.arrays import days_to_dates, decimals, numbers, run_starts, text
from pipelines.simulator.delivery_items import DeliveryItems
from pipelines.simulator.events import Kind
from pipelines.simulator.master import MAKERS, REPAIR_VENDORS
from pipelines.simulator.postings import Postings
from pipelines.simulator.shaping import conform, dated_files
from pipelines.simulator.story import Story

__all__ = ["orders_feeds"]


def orders_feeds(story: Story, items: DeliveryItems, postings: Postings) -> dict[str, pl.DataFrame]:
    """The feeds sap/ekko and sap/ekpo, extracted on the day each order was made, or on day 0 if that lies before."""
    orders = pl.concat([_for_deliveries(story, items), _for_repairs(postings)]).with_columns(ordered=pl.col("ordered").clip(lower_bound=0))
    rows = orders.sort("ordered", "ebeln", "ebelp")
    heads = rows.unique("ebeln", keep="first", maintain_order=True)
    return {"sap/ekko": _ekko(story, heads), "sap/ekpo": _ekpo(story, rows)}


def _for_deliveries(story: Story, items: DeliveryItems) -> pl.DataFrame:
    inbound, deliveries, sites = story.inbound, story.deliveries, story.master.sites
    lines = items.lines.filter(pl.Series(run_starts(items.lines["document"].to_numpy(), items.lines["item"].to_numpy())))
    document = lines["document"].to_numpy()
    site = np.concatenate([inbound.centre, deliveries.site])[document]
    from_vendor = document < items.first_delivery
    ordered = np.concatenate([inbound.sent - 7, deliveries.issue - 1])[document]
    due = np.concatenate([inbound.sent + 2, deliveries.receipt - deliveries.days_late])[document]
    supplying = np.concatenate([np.full(items.first_delivery, -1), deliveries.centre])[document]
    maker = np.concatenate([inbound.maker, np.full(len(deliveries.site), -1)])[document]
    price = story.master.articles.price[lines["article"].to_numpy()] * 70 // 100
    return pl.DataFrame(
        {
            "ebeln": items.order.gather(document),
            "ebelp": numbers("", lines["item"] * 10, 5),
            "bsart": text(pl.Series(["UB", "NB"]), from_vendor.astype(np.int64)),
            "lifnr": text(MAKERS, maker),
            "reswk": text(sites.code, supplying),
            "ordered": ordered,
            "due": due,
            "article": lines["article"],
            "site": site,
            "quantity": lines["item_quantity"],
            "price": np.where(from_vendor, price, 0),
            "pstyp": text(pl.Series(["7", "0"]), from_vendor.astype(np.int64)),
        }
    ).with_columns(pl.col("ordered", "due", "site", "price").cast(pl.Int64))


def _for_repairs(postings: Postings) -> pl.DataFrame:
    lines = postings.lines.filter((pl.col("kind") == int(Kind.REPAIRED)) & (pl.col("consumed") == 0))
    rows = lines.group_by("document", "article", maintain_order=True).agg(
        pl.len().alias("quantity"), pl.col("day", "site", "reference").first()
    )
    starts = run_starts(rows["document"].to_numpy())
    index = np.arange(len(rows))
    item = index - np.maximum.accumulate(np.where(starts, index, 0)) + 1 if len(rows) else index
    return rows.select(
        ebeln=numbers("47", rows["document"], 8),
        ebelp=numbers("", item * 10, 5),
        bsart=pl.lit("NB"),
        lifnr=text(REPAIR_VENDORS, rows["reference"]),
        reswk=pl.lit(None, dtype=pl.String),
        ordered=pl.col("day") - 5,
        due=pl.col("day"),
        article=pl.col("article").cast(pl.Int64),
        site=pl.col("site").cast(pl.Int64),
        quantity=pl.col("quantity").cast(pl.Int64),
        price=pl.lit(6_500, dtype=pl.Int64),
        pstyp=pl.lit("3"),
    )


def _ekko(story: Story, heads: pl.DataFrame) -> pl.DataFrame:
    made = days_to_dates(story.start, heads["ordered"])
    columns = {name: heads[name] for name in ("ebeln", "bsart", "lifnr", "reswk")} | {
        "bedat": made,
        "waers": "USD",
        "extract_date": made,
    }
    return conform(
        "sap/ekko",
        columns,
        dated_files(story.start, "sap/ekko_", heads["ordered"], suffix=".csv", days=story.config.days),
    )


def _ekpo(story: Story, rows: pl.DataFrame) -> pl.DataFrame:
    columns = {
        "ebeln": rows["ebeln"],
        "ebelp": rows["ebelp"],
        "matnr": story.master.articles.padded.gather(rows["article"]),
        "werks": story.master.sites.code.gather(rows["site"]),
        "lgort": "0001",
        "menge": decimals(rows["quantity"], 3),
        "meins": "EA",
        "netpr": decimals(rows["price"], 2, divisor=100),
        "pstyp": rows["pstyp"],
        "eindt": days_to_dates(story.start, rows["due"]),
        "extract_date": days_to_dates(story.start, rows["ordered"]),
    }
    return conform(
        "sap/ekpo",
        columns,
        dated_files(story.start, "sap/ekpo_", rows["ordered"], suffix=".csv", days=story.config.days),
    )
