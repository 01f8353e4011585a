"""Blocking: the proposal that takes recalled stock off sale, as MBGMCR03 IDocs for the ERP, one file per site.

Which units can be blocked, and what the IDoc says, belong here; the bytes of an IDoc do not (pipelines/sources/idoc/writer.py). What is
written is read back by our own reader before anybody sees it. Movement types are explained in RECALL.md.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import polars as pl

from pipelines.contracts import contract_root, read_contract
from pipelines.recall.condition import RecallError

__all__ = ["block_files", "with_block"]

_MOVEMENT_TYPES = {"01": "344", "02": "350"}
"""Stock type -> movement type that takes it into blocked stock (07)."""
_MOST_UNITS = 5_000
"""Units of one IDoc: an item's ordinal has four digits."""
_MOVEMENTS = "sap/goods_movements"
_ITEM = ["article_id", "storage_location_id", "batch_id", "valuation_type", "block_movement_type"]
_FITS = {"site_id": r"^[A-Za-z0-9_-]{1,4}$", "storage_location_id": r"^.{1,4}$", "batch_id": r"^.{0,10}$", "valuation_type": r"^.{0,10}$"}


def with_block(units: pl.DataFrame) -> pl.DataFrame:
    """The units with `block_code`, and `block_movement_type` where the proposal blocks them."""
    fits = pl.all_horizontal(pl.col(name).fill_null("").str.contains(pattern) for name, pattern in _FITS.items())
    code = (
        pl.when(pl.col("place_code") != "in_stock").then(pl.lit("not_in_stock"))
        .when(pl.col("stock_type_code") == "07").then(pl.lit("already_blocked"))
        .when(pl.col("unit_state") != "in_stock").then(pl.lit("other_stock"))
        .when(pl.col("special_stock_code").is_not_null()).then(pl.lit("other_stock"))
        .when(~pl.col("stock_type_code").is_in(list(_MOVEMENT_TYPES)).fill_null(value=False)).then(pl.lit("other_stock"))
        .when(~fits).then(pl.lit("no_idoc"))
        .otherwise(pl.lit("proposed"))
    )  # fmt: skip
    movement_type = pl.col("stock_type_code").replace_strict(_MOVEMENT_TYPES, default=None, return_dtype=pl.String)
    return units.with_columns(block_code=code).with_columns(
        block_movement_type=pl.when(pl.col("block_code") == "proposed").then(movement_type)
    )


def block_files(units: pl.DataFrame, *, name: str, day: date) -> dict[str, bytes]:
    """Content of the proposal by file name: block_<site>.xml, for the units that `with_block` proposes to block.

    Raises RecallError where our own reader does not find in a file the units that were put into it.
    """
    proposed = units.filter(pl.col("block_code") == "proposed").sort("site_id", *_ITEM, "serial_number", nulls_last=True)
    files = {}
    for (site,), of_site in proposed.group_by("site_id", maintain_order=True):
        content = _file(of_site, site=site, name=name, day=day)
        _must_read_back(content, of_site, site=site)
        files[f"block_{site}.xml"] = content
    return files


def _file(units: pl.DataFrame, *, site: str, name: str, day: date) -> bytes:
    from pipelines.sources.idoc.writer import goods_movement, write_xml  # noqa: PLC0415 - its layouts are read by who needs them

    idocs = []
    for number, part in enumerate(units.iter_slices(_MOST_UNITS)):
        docnum = int(hashlib.sha256(f"{name}/{site}/{number}".encode()).hexdigest(), 16) % 10**16
        control = {"DOCNUM": f"{docnum:016d}", "SNDPRT": "LS", "SNDPRN": "SERIALAKE", "CREDAT": day}
        head = {"PSTNG_DATE": day, "DOC_DATE": day, "REF_DOC_NO": name[:16], "HEADER_TXT": f"Recall {name}"[:25]}
        items = list(_items(part, site))
        idoc = goods_movement(control, head, "04", [(fields, serials) for fields, serials, _ in items])
        _add_long_articles(idoc, [long for _, _, long in items])
        idocs.append(idoc)
    return write_xml(idocs)


def _items(units: pl.DataFrame, site: str) -> Iterator[tuple[dict, list[dict], str | None]]:
    """Fields of each item, its serial numbers, and its article where that is too long for the item's own field."""
    for key, of_item in units.group_by(_ITEM, maintain_order=True):
        article, location, batch, valuation, movement_type = key
        fields = {"PLANT": site, "STGE_LOC": location, "BATCH": batch, "VAL_TYPE": valuation, "MOVE_TYPE": movement_type}
        fields |= {"MATERIAL": _padded(article) if len(article) <= 18 else None, "ENTRY_QNT": of_item.height, "ENTRY_UOM": "EA"}
        serials = of_item["serial_number"].to_list()
        yield fields, [{"SERIALNO": _padded(s)} if len(s) <= 18 else {"UII": s} for s in serials], article if len(article) > 18 else None


def _add_long_articles(idoc, articles: list[str | None]) -> None:
    from pipelines.sources.idoc.tree import Segment  # noqa: PLC0415

    items = [segment for segment in idoc.segments[0].children if segment.name == "E1BP2017_GM_ITEM_CREATE"]
    for item, article in zip(items, articles, strict=True):
        if article:
            item.children.append(Segment(f"{item.name}1", 0, {"MATERIAL_LONG": article}))


def _padded(key: str) -> str:
    """A key as the ERP keeps it: 18 digits where it is all digits."""
    return key.zfill(18) if key.isdigit() else key


def _must_read_back(content: bytes, units: pl.DataFrame, *, site: str) -> None:
    from pipelines.sources.routing import extract  # noqa: PLC0415

    contract = read_contract(contract_root() / "sources" / f"{_MOVEMENTS}.odcs.yaml")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "block.xml"
        path.write_bytes(content)
        read = extract(path, "sap/block.xml", contracts={_MOVEMENTS: contract})
    wanted = units.select("article_id", "serial_number", "site_id", *_ITEM[1:])
    told = read.accepted.get(_MOVEMENTS, pl.DataFrame(schema=contract.polars_schema)).select(
        _plain("material"), _plain("serialno"), "plant", "stge_loc", "batch", "val_type", "move_type"
    )
    told.columns = wanted.columns
    if read.quarantined.height or not told.sort(told.columns).equals(wanted.sort(wanted.columns)):
        raise RecallError(f"The proposal for {site} is not read back as it was meant, so nothing was written: report its articles")


def _plain(column: str) -> pl.Expr:
    """A key without the zeros that `_padded` puts before it."""
    is_number = pl.col(column).str.contains(r"^\d+$")
    return pl.when(is_number).then(pl.col(column).str.replace(r"^0+(\d)", "$1")).otherwise(column).alias(column)
