"""Proposals: goods movements that the ERP should post, as one XML file of MBGMCR03 IDocs, read back before anybody sees it.

What an IDoc says of each unit, and that our own reader understands it, belong here; which units are to be moved, and why, does not
(pipelines/recall/blocking.py, pipelines/sweeper/postings.py). The bytes of an IDoc are in writer.py.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import polars as pl

from pipelines.contracts import contract_root, read_contract

__all__ = ["FITS", "REFERENCES_FIT", "Proposal", "ProposalError", "proposal_file"]

_MOST_UNITS = 5_000
"""Units of one IDoc: an item's ordinal has four digits."""
_MOVEMENTS = "sap/goods_movements"
_FIELDS = {
    "site_id": "PLANT",
    "storage_location_id": "STGE_LOC",
    "batch_id": "BATCH",
    "movement_type": "MOVE_TYPE",
    "special_stock_code": "SPEC_STOCK",
    "vendor_id": "VENDOR",
    "valuation_type": "VAL_TYPE",
    "purchase_order_id": "PO_NUMBER",
    "to_site_id": "MOVE_PLANT",
    "to_storage_location_id": "MOVE_STLOC",
    "movement_indicator": "MVT_IND",
    "delivery_id": "DELIV_NUMB_TO_SEARCH",
    "delivery_item": "DELIV_ITEM_TO_SEARCH",
}
"""Column of the lines -> field of E1BP2017_GM_ITEM_CREATE."""
_PADDED = {"vendor_id": 10, "purchase_order_id": 10, "delivery_id": 10}
"""Keys that the ERP keeps with so many digits, where they are all digits."""
FITS = {"site_id": r"^[A-Za-z0-9_-]{1,4}$", "storage_location_id": r"^.{0,4}$", "batch_id": r"^.{0,10}$", "valuation_type": r"^.{0,10}$"}
"""Pattern of what fits into an IDoc, by column of a unit."""
REFERENCES_FIT = {
    "vendor_id": r"^.{0,10}$",
    "purchase_order_id": r"^.{0,10}$",
    "delivery_id": r"^.{0,10}$",
    "delivery_item": r"^.{0,6}$",
    "to_site_id": r"^.{0,4}$",
    "to_storage_location_id": r"^.{0,4}$",
}
"""The same by column of what a movement refers to: other systems than SAP have longer numbers, and cannot be posted to by IDoc."""


class ProposalError(ValueError):
    """A proposal that our own reader does not read as it was meant; the message names it."""


@dataclass(frozen=True)
class Proposal:
    """Movements of one reason and kind: one material document, or several where the units are very many.

    `name` makes the IDocs' numbers, `reference` is the number by which the ERP's own document tells where it came from, `code` is GM_CODE.
    `lines` has one row per unit, or per bulk article: article_id, serial_number (null in bulk), quantity, movement_type, site_id, and
    any of the other columns of an item. Rows of one item stand together.
    """

    name: str
    reference: str
    text: str
    code: str
    posting_date: date
    created_date: date
    lines: pl.DataFrame


def proposal_file(proposals: Sequence[Proposal], *, title: str) -> bytes:
    """The file of all proposals. Raises ProposalError, with the title, where it is not read back as it was meant."""
    from pipelines.sources.idoc.writer import write_xml  # noqa: PLC0415 - its layouts are read by who needs them

    content = write_xml([idoc for proposal in proposals for idoc in _idocs(proposal)])
    _must_read_back(content, pl.concat([p.lines for p in proposals], how="diagonal"), title=title)
    return content


def _idocs(proposal: Proposal) -> Iterator:
    from pipelines.sources.idoc.writer import goods_movement  # noqa: PLC0415

    for number, part in enumerate(proposal.lines.iter_slices(_MOST_UNITS)):
        docnum = int(hashlib.sha256(f"{proposal.name}/{number}".encode()).hexdigest(), 16) % 10**16
        control = {"DOCNUM": f"{docnum:016d}", "SNDPRT": "LS", "SNDPRN": "SERIALAKE", "CREDAT": proposal.created_date}
        head = {"PSTNG_DATE": proposal.posting_date, "DOC_DATE": proposal.posting_date}
        head |= {"REF_DOC_NO": proposal.reference[:16], "HEADER_TXT": proposal.text[:25]}
        items = list(_items(part))
        idoc = goods_movement(control, head, proposal.code, [(fields, serials) for fields, serials, _ in items])
        _add_long_articles(idoc, [long for _, _, long in items])
        yield idoc


def _items(lines: pl.DataFrame) -> Iterator[tuple[dict, list[dict], str | None]]:
    """Fields of each item, its serial numbers, and its article where that is too long for the item's own field."""
    columns = [name for name in _FIELDS if name in lines.columns]
    for key, of_item in lines.group_by(["article_id", *columns], maintain_order=True):
        article, values = str(key[0]), dict(zip(columns, key[1:], strict=True))
        fields = {_FIELDS[name]: _padded(value, _PADDED.get(name, 0)) for name, value in values.items()}
        quantity = of_item["quantity"].sum()
        fields |= {"MATERIAL": _padded(article, 18) if len(article) <= 18 else None, "ENTRY_UOM": "EA"}
        fields |= {"ENTRY_QNT": int(quantity) if quantity == int(quantity) else quantity}
        serials = of_item["serial_number"].drop_nulls().to_list()
        told = [{"SERIALNO": _padded(s, 18)} if len(s) <= 18 else {"UII": s} for s in serials]
        yield fields, told, article if len(article) > 18 else None


def _add_long_articles(idoc, articles: list[str | None]) -> None:
    from pipelines.sources.idoc.tree import Segment  # noqa: PLC0415

    items = [segment for segment in idoc.segments[0].children if segment.name == "E1BP2017_GM_ITEM_CREATE"]
    for item, article in zip(items, articles, strict=True):
        if article:
            item.children.append(Segment(f"{item.name}1", 0, {"MATERIAL_LONG": article}))


def _padded(key: str | None, width: int) -> str | None:
    """A key as the ERP keeps it: filled up with zeros where it is all digits."""
    return key.zfill(width) if key and key.isdigit() else key


def _must_read_back(content: bytes, lines: pl.DataFrame, *, title: str) -> None:
    from pipelines.sources.routing import extract  # noqa: PLC0415

    contract = read_contract(contract_root() / "sources" / f"{_MOVEMENTS}.odcs.yaml")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "proposal.xml"
        path.write_bytes(content)
        read = extract(path, "sap/proposal.xml", contracts={_MOVEMENTS: contract})
    columns = {name: field.lower() for name, field in _FIELDS.items() if name in lines.columns}
    wanted = lines.select(*(_blank_to_null(name) for name in ("article_id", "serial_number", *columns)))
    rows = read.accepted.get(_MOVEMENTS, pl.DataFrame(schema=contract.polars_schema))
    told = rows.select(
        _plain("material"),
        _plain("serialno"),
        *((_plain(field) if name in _PADDED else pl.col(field)).alias(name) for name, field in columns.items()),
    )
    told.columns = wanted.columns
    if read.quarantined.height or not told.sort(told.columns).equals(wanted.sort(wanted.columns)):
        raise ProposalError(f"The proposal for {title} is not read back as it was meant, so nothing was written: report its articles")


def _blank_to_null(column: str) -> pl.Expr:
    text = pl.col(column).cast(pl.String)
    return pl.when(text != "").then(text).alias(column)


def _plain(column: str) -> pl.Expr:
    """A key without the zeros that `_padded` puts before it."""
    is_number = pl.col(column).str.contains(r"^\d+$")
    return pl.when(is_number).then(pl.col(column).str.replace(r"^0+(\d)", "$1")).otherwise(column).alias(column)
