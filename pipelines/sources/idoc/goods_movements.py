"""Goods movements: MBGMCR documents become one record per item and serial number.

What MBGMCR's segments say about one another belongs here. Typing does not (conversion.py); the columns are explained in
data_contracts/sources/sap/goods_movements.odcs.yaml.
"""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from pipelines.contracts import Contract
from pipelines.sources.conversion import gathered, with_verdict
from pipelines.sources.idoc.reader import Idoc, Segment
from pipelines.sources.idoc.rows import (
    CONTROL_FIELDS,
    CONTROL_PLACE,
    Rows,
    below,
    columns_of,
    control_of,
    first_filled,
    judged_serials,
    placed,
)

__all__ = ["GoodsMovements"]

_HEAD = ("pstng_date", "doc_date", "ref_doc_no", "bill_of_lading", "header_txt")
_HEADER = (*CONTROL_FIELDS, "idoc_ordinal", "document_ordinal", *_HEAD, "gm_code")
_UNIT = ("serialno", "uii")
_HEAD_SEGMENT, _CODE_SEGMENT = "E1BP2017_GM_HEAD_01", "E1BP2017_GM_CODE"
_ITEM, _SERIAL = "E1BP2017_GM_ITEM_CREATE", "E1BP2017_GM_SERIALNUMBER"
_PLACES = CONTROL_PLACE | dict.fromkeys(_HEAD, "_head") | {"gm_code": "_gm_code"}


class GoodsMovements:
    """Collects MBGMCR IDocs. Grain of the records: one per item and serial number, one per item without serials."""

    other_fields = ("MATERIAL_LONG", "MATDOC_ITM")
    """Fields that are read and bear no column's name."""

    labels: dict[str, str] = {}

    def __init__(self, contract: Contract) -> None:
        """Collect for this contract."""
        self.contract = contract
        names = [c.name for c in contract.columns if c.name not in (*_HEADER, *_UNIT)]
        self._header_columns, self._item_columns = columns_of(contract, _HEADER), columns_of(contract, names)
        self._headers = Rows("E1MBGMCR", _HEADER, places=sorted(set(_PLACES.values())))
        self._items = Rows(_ITEM, names)
        self._serials = Rows(_SERIAL, [*_UNIT, "matdoc_itm"])

    def add(self, idoc: Idoc) -> int:
        """Take one IDoc. Returns the records it makes; an IDoc without items makes one, which is refused."""
        control, records, before = control_of(idoc), 0, dict.fromkeys((_ITEM, _SERIAL, _HEAD_SEGMENT, _CODE_SEGMENT), 0)
        bodies = [segment for segment in idoc.segments if segment.name == "E1MBGMCR"]
        for ordinal, body in enumerate(bodies or [Segment("E1MBGMCR", idoc.line, {})], 1):
            inner: dict[str, list[Segment]] = {name: [] for name in before}
            for segment in body.children:
                if segment.name in inner:
                    inner[segment.name].append(segment)
            header = {**control, "IDOC_ORDINAL": str(idoc.number), "DOCUMENT_ORDINAL": str(ordinal), **_head(body, inner, before)}
            self._headers.add([header], idoc=idoc.key, parents=[0], first=ordinal, lines=[body.line])
            items, serials = inner[_ITEM], inner[_SERIAL]
            self._add_items(items, idoc.key, before=before[_ITEM])
            self._add(self._serials, serials, idoc.key, before=before[_SERIAL])
            before = {name: count + len(inner[name]) for name, count in before.items()}
            named = {_ordinal(text) for text in {serial.fields.get("MATDOC_ITM") for serial in serials}}
            without_serial = sum(at not in named for at in range(1, len(items) + 1))
            records += max(len(serials) + without_serial, 1)
        return records

    def records(self) -> dict[str, pl.DataFrame]:
        """All records by table, as `conversion.gathered` gives them."""
        headers, items = self._headers.judged(self._header_columns), self._items.judged(self._item_columns)
        units = judged_serials(self._serials.frame().rename({"matdoc_itm": "_at"}), columns_of(self.contract, _UNIT))
        itemless = ~pl.int_range(pl.len()).is_in(items["_parent"].implode()) & ~pl.int_range(pl.len()).is_in(units["_parent"].implode())
        headers = with_verdict(headers, itemless, code="empty_document", field="matdoc_itm")
        headers = placed(headers, _PLACES)
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

    def _add_items(self, items: list[Segment], key: int, *, before: int) -> None:
        for at, item in enumerate(items, 1):
            item.fields["MATDOC_ITM"] = str(at)
            for child in item.all(_ITEM + "1"):
                item.fields["MATERIAL"] = first_filled(child.fields.get("MATERIAL_LONG"), item.fields.get("MATERIAL"))
        self._add(self._items, items, key, before=before)

    def _add(self, rows: Rows, segments: list[Segment], key: int, *, before: int) -> None:
        fields, lines = [segment.fields for segment in segments], [segment.line for segment in segments]
        rows.add(fields, idoc=key, parents=[self._headers.count - 1] * len(segments), first=before + 1, lines=lines)


def _head(body: Segment, inner: Mapping[str, list[Segment]], before: Mapping[str, int]) -> dict[str, str | int | None]:
    """Texts of the document's header and its goods movement code, and the places of both segments."""
    absent = Segment("", body.line, {})
    head, code = (next(iter(inner[name]), absent) for name in (_HEAD_SEGMENT, _CODE_SEGMENT))
    return {
        **{name.upper(): head.fields.get(name.upper()) for name in _HEAD},
        "GM_CODE": code.fields.get("GM_CODE"),
        "_HEAD": f"{_HEAD_SEGMENT}[{before[_HEAD_SEGMENT] + 1}]",
        "_HEAD_LINE": head.line,
        "_GM_CODE": f"{_CODE_SEGMENT}[{before[_CODE_SEGMENT] + 1}]",
        "_GM_CODE_LINE": code.line,
    }


def _ordinal(text: str | None) -> int | None:
    text = (text or "").strip()
    return int(text) if text.isdecimal() and text.isascii() else None
