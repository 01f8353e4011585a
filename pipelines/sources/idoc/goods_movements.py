"""Goods movements: MBGMCR documents become one record per item and serial number.

What MBGMCR's segments say about one another belongs here. Typing does not (conversion.py); the columns are explained in
data_contracts/sources/sap/goods_movements.odcs.yaml.
"""

from __future__ import annotations

import polars as pl

from pipelines.contracts import Contract
from pipelines.sources.conversion import gathered, with_verdict
from pipelines.sources.idoc.reader import Idoc, Segment
from pipelines.sources.idoc.rows import (
    CONTROL_FIELDS,
    Rows,
    below,
    columns_of,
    control_of,
    first_filled,
    judged_serials,
)

__all__ = ["GoodsMovements"]

_HEAD = ("pstng_date", "doc_date", "ref_doc_no", "bill_of_lading", "header_txt")
_UNIT = ("serialno", "uii")
_ITEM, _SERIAL = "E1BP2017_GM_ITEM_CREATE", "E1BP2017_GM_SERIALNUMBER"


class GoodsMovements:
    """Collects MBGMCR IDocs. Grain of the records: one per item and serial number, one per item without serials."""

    segments = (
        dict.fromkeys(CONTROL_FIELDS, "EDI_DC40[1]") | dict.fromkeys(_HEAD, "E1BP2017_GM_HEAD_01[1]") | {"gm_code": "E1BP2017_GM_CODE[1]"}
    )
    """Where a field stands that is not in the segment of its level."""
    labels: dict[str, str] = {}

    def __init__(self, contract: Contract) -> None:
        """Collect for this contract."""
        self.contract = contract
        header = (*CONTROL_FIELDS, *_HEAD, "gm_code")
        self._header_columns = columns_of(contract, header)
        names = [c.name for c in contract.columns if c.name not in (*header, *_UNIT, "matdoc_itm")]
        self._item_columns = columns_of(contract, [*names, "matdoc_itm"])
        self._item_fields = [name.upper() for name in names]
        self._headers = Rows("E1MBGMCR", header)
        self._items = Rows(_ITEM, [*names, "matdoc_itm"])
        self._serials = Rows(_SERIAL, [*_UNIT, "_at"])

    def add(self, idoc: Idoc) -> int:
        """Take one IDoc. Returns the records it makes; an IDoc without items makes one, which is refused."""
        control, records, before = control_of(idoc), 0, (0, 0)
        bodies = [segment for segment in idoc.segments if segment.name == "E1MBGMCR"]
        for ordinal, body in enumerate(bodies or [Segment("E1MBGMCR", idoc.line, {}, [])], 1):
            items, serials = body.all(_ITEM), body.all(_SERIAL)
            self._headers.add([(*control, *_head(body), idoc.number, 0, ordinal, body.line)])
            self._add_items(items, idoc.number, before=before[0])
            self._add_serials(serials, idoc.number, before=before[1])
            before = (before[0] + len(items), before[1] + len(serials))
            named = {_ordinal(text) for text in {serial.fields.get("MATDOC_ITM") for serial in serials}}
            without_serial = sum(ordinal not in named for ordinal in range(1, len(items) + 1))
            records += max(len(serials) + without_serial, 1)
        return records

    def records(self) -> dict[str, pl.DataFrame]:
        """All records by table, as `conversion.gathered` gives them."""
        headers, items = self._headers.judged(self._header_columns), self._items.judged(self._item_columns)
        units = judged_serials(self._serials.frame(), columns_of(self.contract, _UNIT))
        itemless = ~pl.int_range(pl.len()).is_in(items["_parent"].implode()) & ~pl.int_range(pl.len()).is_in(units["_parent"].implode())
        headers = with_verdict(headers, itemless, code="empty_document", field="matdoc_itm")
        positions = items.select(pl.col("_parent").alias("header"), pl.col("matdoc_itm").alias("at"), pl.int_range(pl.len()).alias("item"))
        named = units.select(pl.col("_parent").alias("header"), pl.col("_at").str.strip_chars().cast(pl.Int64, strict=False).alias("at"))
        named = named.with_columns(pl.int_range(pl.len()).alias("unit")).join(
            positions, on=["header", "at"], how="left", maintain_order="left"
        )
        unmatched = named["item"].is_null()
        units = with_verdict(units, pl.lit(unmatched), code="unmatched_serial", field="matdoc_itm", value=pl.col("_at"))
        takes = below(pl.DataFrame({"header": pl.int_range(headers.height, eager=True)}), "header", "item", rows=items)
        takes = takes.join(named.select("item", "unit"), on="item", how="left", maintain_order="left_right")
        takes = takes.filter(pl.col("item").is_not_null() | ~pl.col("header").is_in(units["_parent"].implode()))
        takes = pl.concat([takes, named.filter(unmatched).select("header", "item", "unit")])
        levels = {"header": (headers, takes["header"]), "item": (items, takes["item"]), "unit": (units, takes["unit"])}
        return {self.contract.table: gathered(levels, [c.name for c in self.contract.columns])}

    def _add_items(self, items: list[Segment], number: int, *, before: int) -> None:
        header, rows = self._headers.count - 1, []
        for at, item in enumerate(items, 1):
            values = dict(item.fields)
            for child in item.all(_ITEM + "1"):
                values["MATERIAL"] = first_filled(child.fields.get("MATERIAL_LONG"), values.get("MATERIAL"))
            rows.append((*map(values.get, self._item_fields), str(at), number, header, before + at, item.line))
        self._items.add(rows)

    def _add_serials(self, serials: list[Segment], number: int, *, before: int) -> None:
        header = self._headers.count - 1
        self._serials.add(
            (f.get("SERIALNO"), f.get("UII"), f.get("MATDOC_ITM"), number, header, at, segment.line)
            for at, segment in enumerate(serials, before + 1)
            for f in (segment.fields,)
        )


def _head(body: Segment) -> list[str | None]:
    """Texts of the document's header and its goods movement code."""
    head = next(iter(body.all("E1BP2017_GM_HEAD_01")), None)
    code = next(iter(body.all("E1BP2017_GM_CODE")), None)
    return [
        *(head.fields.get(name.upper()) if head else None for name in _HEAD),
        code.fields.get("GM_CODE") if code else None,
    ]


def _ordinal(text: str | None) -> int | None:
    text = (text or "").strip()
    return int(text) if text.isdecimal() and text.isascii() else None
