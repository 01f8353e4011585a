"""Delivery items: what every delivery document announces, item by item, unit by unit and carton by carton.

Items, cartons and the numbers by which other feeds refer to a delivery belong here; columns of SAP do not, see
feeds_deliveries.py. Which units a document leaves out is decided in faults.py.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from pipelines.simulator.arrays import (
    numbers,
    position_in_run,
    run_starts,
    sorted_by,
)
from pipelines.simulator.events import Kind
from pipelines.simulator.story import Story

__all__ = ["DeliveryItems", "build_items"]

_CARTON = {"inbound": 40, "delivery": 20}


@dataclass(frozen=True)
class DeliveryItems:
    """All announced lines, sorted by document, article and unit; vendors' documents come before the stores'.

    `lines`: document, article, unit (-1 bulk), quantity, item (1, 2, ...), item_quantity, carton. `delivery` and
    `order` are the numbers of the document and of the order behind it. `carton_of_unit` gives the carton of a unit on
    its way in and on its way to the store, -1 none.
    """

    lines: pl.DataFrame
    delivery: pl.Series
    order: pl.Series
    first_delivery: int
    cartons: pl.Series
    carton_of_unit: dict[str, np.ndarray]
    item_keys: np.ndarray
    item_numbers: np.ndarray

    def number(self, document: np.ndarray, article: np.ndarray) -> np.ndarray:
        """Item number of an article within a document, -1 where the document does not announce it."""
        key = document * 4096 + article
        place = np.minimum(np.searchsorted(self.item_keys, key), len(self.item_keys) - 1)
        return np.where(self.item_keys[place] == key, self.item_numbers[place], -1)


def build_items(story: Story) -> DeliveryItems:
    """Announced lines of all documents issued within the horizon."""
    first = len(story.inbound.sent)
    lines = sorted_by(pl.concat([_inbound_lines(story), _store_lines(story, first)]), "document", "article", "unit")
    document, article = lines["document"].to_numpy(), lines["article"].to_numpy()
    new_document, new_item = run_starts(document), run_starts(document, article)
    count = np.cumsum(new_item)
    item = count - np.maximum.accumulate(np.where(new_document, count, 0)) + 1
    quantity = np.add.reduceat(lines["quantity"].to_numpy(), np.flatnonzero(new_item))[count - 1]
    size = np.where(document < first, _CARTON["inbound"], _CARTON["delivery"])
    carton = np.cumsum(run_starts(document, position_in_run(new_document) // size)) - 1
    lines = lines.with_columns(item=pl.Series(item), item_quantity=pl.Series(quantity), carton=pl.Series(carton))
    total = first + len(story.deliveries.site)
    running = np.arange(total)
    is_vendor = running < first
    number = np.where(is_vendor, running, running - first) + 1
    cartons = pl.select(pl.lit("000614141") + numbers("", np.arange(int(carton[-1]) + 1), 11)).to_series()
    carton_of = {}
    for name, mine in (("inbound", document < first), ("delivery", document >= first)):
        unit = lines["unit"].to_numpy()
        carton_of[name] = np.full(len(story.units), -1)
        carton_of[name][unit[mine & (unit >= 0)]] = carton[mine & (unit >= 0)]
    vendor, store = numbers("018", number, 7), numbers("008", number, 7)
    order_vendor, order_store = numbers("45", number, 8), numbers("46", number, 8)
    return DeliveryItems(
        lines=lines,
        delivery=pl.select(pl.when(pl.Series(is_vendor)).then(vendor).otherwise(store)).to_series(),
        order=pl.select(pl.when(pl.Series(is_vendor)).then(order_vendor).otherwise(order_store)).to_series(),
        first_delivery=first,
        cartons=cartons,
        carton_of_unit=carton_of,
        item_keys=(document * 4096 + article)[new_item],
        item_numbers=item[new_item],
    )


def _inbound_lines(story: Story) -> pl.DataFrame:
    units, inbound = story.units, story.inbound
    unit = np.flatnonzero((units.inbound >= 0) & ~story.plan.is_one("over_inbound") & (units.vendor_sent < story.config.days))
    return _lines(
        units.inbound[unit],
        units.variant[unit],
        unit,
        inbound.bulk.filter(pl.Series(inbound.sent[inbound.bulk["document"]] < story.config.days)),
    )


def _store_lines(story: Story, first: int) -> pl.DataFrame:
    issued = story.life.events.filter((pl.col("kind") == int(Kind.ISSUE)) & pl.col("posted"))
    unit = issued["unit"].to_numpy().astype(np.int64)
    bulk = story.deliveries.bulk.with_columns(pl.col("document") + first)
    return _lines(issued["reference"].to_numpy() + first, story.units.variant[unit], unit, bulk)


def _lines(document: np.ndarray, article: np.ndarray, unit: np.ndarray, bulk: pl.DataFrame) -> pl.DataFrame:
    serialised = pl.DataFrame({"document": document, "article": article, "unit": unit, "quantity": np.ones(len(unit), dtype=np.int64)})
    loose = bulk.select("document", "article", unit=pl.lit(-1), quantity="quantity")
    return pl.concat([serialised.cast(pl.Int64), loose.cast(pl.Int64)])
