"""Goods movements: material documents in the columns of sap/goods_movements.

Movement types, places, references and serial numbers of the lines belong here; which lines make a document is in
postings.py. What each movement type means to the ledger is not repeated here.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from pipelines.simulator.arrays import (
    by_day,
    clock_text,
    days_to_dates,
    decimals,
    numbers,
    run_starts,
    text,
)
from pipelines.simulator.delivery_items import DeliveryItems
from pipelines.simulator.events import Kind, posting_second
from pipelines.simulator.master import MAKERS, REPAIR_VENDORS
from pipelines.simulator.postings import LOCATIONS, Postings
from pipelines.simulator.shaping import conform
from pipelines.simulator.story import Story

__all__ = ["goods_movements"]

_SENDERS = pl.Series(["HANDHELD", "WMS", "MIGRATION"])


_CODES: dict[Kind, tuple[str, str]] = {
    # movement type, goods movement code
    Kind.OPENING: ("561", "05"),
    Kind.CENTRE_RECEIPT: ("101", "01"),
    Kind.STORE_RECEIPT: ("101", "01"),
    Kind.TO_BACK_ROOM: ("311", "04"),
    Kind.TO_FLOOR: ("311", "04"),
    Kind.TO_HOLD: ("311", "04"),
    Kind.FROM_HOLD: ("311", "04"),
    Kind.MOVE: ("301", "04"),
    Kind.REMOVE: ("303", "04"),
    Kind.PLACE: ("305", "04"),
    Kind.TO_VENDOR: ("541", "04"),
    Kind.FROM_VENDOR: ("542", "04"),
    Kind.REPAIRED: ("101", "01"),
    Kind.VENDOR_RETURN: ("122", "06"),
    Kind.SCRAP: ("551", "03"),
    Kind.LOSS: ("702", "03"),
    Kind.GAIN: ("701", "05"),
}


_MOVE_TYPE, _GM_CODE = (pl.Series([_CODES.get(kind, ("", ""))[k] for kind in Kind]) for k in range(2))


_PLACED = [int(k) for k in (Kind.TO_BACK_ROOM, Kind.TO_FLOOR, Kind.TO_HOLD, Kind.FROM_HOLD, Kind.MOVE, Kind.REMOVE)]


_DIRECT = [int(k) for k in (Kind.TO_BACK_ROOM, Kind.TO_FLOOR, Kind.TO_HOLD, Kind.FROM_HOLD, Kind.MOVE)]


_VENDOR_STOCK = [int(k) for k in (Kind.TO_VENDOR, Kind.FROM_VENDOR)]


def goods_movements(story: Story, postings: Postings, items: DeliveryItems) -> pl.DataFrame:
    """The feed sap/goods_movements: one row per document line and unit, sorted by file, document and item."""
    lines = postings.lines
    unit, kind = lines["unit"].to_numpy(), lines["kind"].to_numpy()
    received = (kind == Kind.STORE_RECEIPT) & story.plan.is_one("mistyped_receipt")[unit]
    loaded = (kind == Kind.OPENING) & story.plan.is_one("load_mistyped")[unit]
    typed = (unit >= 0) & (received | loaded)
    lines = lines.with_columns(typed=pl.Series(typed)).filter(pl.col("posted") | pl.col("typed"))
    return _columns(story, postings, items, lines)


def _columns(story: Story, postings: Postings, items: DeliveryItems, lines: pl.DataFrame) -> pl.DataFrame:
    kind, site, document = (lines[c].cast(pl.Int64) for c in ("kind", "site", "document"))
    sender = lines["sender"]
    ordinal, quantity = _items(lines)
    posted = clock_text(posting_second(kind.to_numpy(), lines["time"].to_numpy().astype(np.int64)) + site.to_numpy() % 8 * 20)
    date = days_to_dates(story.start, lines["day"])
    prefix = pl.Series([f"sap/idoc/mbgmcr_{s}_{d}.xml" for s in _SENDERS for d in by_day(story.start, story.config.days)])
    batch = text(
        pl.Series(["NEW", "USED"]),
        np.where(lines["unit"].to_numpy() < 0, -1, lines["used"].to_numpy().astype(np.int64)),
    )
    columns = {
        "docnum": _idoc_numbers(lines),
        "idoctyp": "MBGMCR03",
        "mestyp": "MBGMCR",
        "sndprn": _SENDERS.gather(sender),
        "credat": date,
        "cretim": posted,
        "pstng_date": date,
        "doc_date": date,
        "ref_doc_no": postings.document_text.gather(document),
        "gm_code": _GM_CODE.gather(kind),
        "matdoc_itm": ordinal,
        "material": story.master.articles.padded.gather(lines["article"].cast(pl.Int64)),
        "plant": story.master.sites.code.gather(site),
        "batch": batch,
        "val_type": batch,
        "entry_qnt": decimals(quantity, 3),
        "entry_uom": "EA",
        **_places(story, lines, kind),
        **_references(story, items, lines, kind, ordinal),
        "serialno": _serials(story, lines),
    }
    return conform("sap/goods_movements", columns, prefix.gather(sender * story.config.days + lines["file_day"]))


def _items(lines: pl.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Ordinal of each line's item within its document, and the quantity of the whole item."""
    document = lines["document"].to_numpy()
    starts = run_starts(document)
    new_item = run_starts(document, lines["item"].to_numpy(), lines["consumed"].to_numpy())
    number = np.cumsum(new_item)
    ordinal = number - number[np.maximum.accumulate(np.where(starts, np.arange(len(starts)), 0))] + 1
    return ordinal, np.add.reduceat(lines["quantity"].to_numpy(), np.flatnonzero(new_item))[number - 1]


def _idoc_numbers(lines: pl.DataFrame) -> pl.Series:
    """IDoc number of each line, counted by sender."""
    starts = run_starts(lines["document"].to_numpy())
    count = np.cumsum(starts)
    first = np.flatnonzero(run_starts(lines["sender"].to_numpy()))
    before = np.repeat(count[first] - 1, np.diff(np.append(first, len(lines))))
    return numbers("", (count - before)[starts], 16).gather(count - 1)


def _places(story: Story, lines: pl.DataFrame, kind: pl.Series) -> dict[str, pl.Series]:
    """Movement type, storage location and the receiving place of transfers."""
    consumed = lines["consumed"] == 1
    target = kind.is_in(_PLACED)
    placed = pl.when(target)
    to_site = story.master.sites.code.gather(lines["to_site"].cast(pl.Int64).clip(lower_bound=0))
    location = text(LOCATIONS, lines["location"].cast(pl.Int64))
    frame = pl.select(
        move_type=pl.when(consumed).then(pl.lit("543")).otherwise(_MOVE_TYPE.gather(kind)),
        stge_loc=pl.when(~consumed).then(location),
        move_plant=placed.then(to_site),
        move_stloc=pl.when(kind.is_in(_DIRECT)).then(text(LOCATIONS, lines["to_location"].cast(pl.Int64))),
        spec_stock=pl.when(consumed | kind.is_in(_VENDOR_STOCK)).then(pl.lit("O")),
    )
    return frame.to_dict()


def _references(story: Story, items: DeliveryItems, lines: pl.DataFrame, kind: pl.Series, ordinal: np.ndarray) -> dict[str, pl.Series]:
    """Vendor, purchase order and delivery of the kinds that have one."""
    code, article, reference = (
        kind.to_numpy(),
        lines["article"].to_numpy().astype(np.int64),
        lines["reference"].to_numpy().astype(np.int64),
    )
    receipt = np.isin(code, [Kind.CENTRE_RECEIPT, Kind.STORE_RECEIPT])
    document = np.where(receipt, reference + np.where(code == Kind.STORE_RECEIPT, items.first_delivery, 0), -1)
    item = np.where(receipt, items.number(document, article), -1)
    maker = np.where(np.isin(code, [Kind.CENTRE_RECEIPT, Kind.VENDOR_RETURN]), story.master.articles.maker[article], -1)
    repair = np.where(np.isin(code, [Kind.TO_VENDOR, Kind.FROM_VENDOR, Kind.REPAIRED]), reference, -1)
    is_repaired = code == Kind.REPAIRED
    subcontract = numbers("47", lines["document"], 8)
    frame = pl.select(
        vendor=pl.coalesce(text(MAKERS, maker), text(REPAIR_VENDORS, repair)),
        po_number=pl.when(pl.Series(is_repaired)).then(subcontract).otherwise(text(items.order, document)),
        po_item=pl.when(pl.Series(is_repaired)).then(numbers("", (ordinal + 1) // 2 * 10, 5)).otherwise(_item_text(item, 5)),
        mvt_ind=pl.when(pl.Series(receipt | (is_repaired & (lines["consumed"].to_numpy() == 0)))).then(pl.lit("B")),
        deliv_numb_to_search=text(items.delivery, document),
        deliv_item_to_search=_item_text(item, 6),
    )
    return frame.to_dict()


def _item_text(item: np.ndarray, width: int) -> pl.Series:
    table = pl.Series([f"{10 * k:0{width}d}" for k in range(int(item.max(initial=0)) + 1)])
    return text(table, item)


def _serials(story: Story, lines: pl.DataFrame) -> pl.Series:
    """Serial number as posted: mistyped at some receipts and initial loads, none on bulk lines."""
    unit = lines["unit"].cast(pl.Int64).to_numpy()
    true = text(story.serial, unit)
    row = np.flatnonzero(lines["typed"].to_numpy())
    return true.scatter(row, story.typed.gather(unit[row])) if len(row) else true
