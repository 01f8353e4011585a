"""Deliveries: DELVRY documents become one record per item and serial number, and one per handling unit and packed item.

What DELVRY's segments say about one another belongs here. Typing does not (conversion.py); the columns are explained in
data_contracts/sources/sap/deliveries.odcs.yaml, handling_units and handling_unit_serials. Segments are read by name, whatever the
version 01 to 07.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import polars as pl

from pipelines.contracts import Contract
from pipelines.sources.conversion import gathered, judged
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
from pipelines.sources.values import blank_to_null

__all__ = ["Deliveries"]

_OWN = ("vbeln", "vstel", "lifex", "bolnr", "traid", "route", "btgew", "ntgew", "gewei", "anzpk")
_PARTNERS = ("we", "ag", "lf", "sp")
_MOMENTS = {
    "goods_issue_planned_at": ("006", "NTANF", "NTANZ"),
    "goods_issue_actual_at": ("006", "ISDD", "ISDZ"),
    "delivery_planned_at": ("007", "NTANF", "NTANZ"),
    "delivery_actual_at": ("007", "ISDD", "ISDZ"),
}
_HEADER = (*CONTROL_FIELDS, *_OWN, "lfart", "qualf", *(f"partner_{p}" for p in _PARTNERS), *_MOMENTS)
_UNIT = ("sernr", "uii")
_PACKAGE = ("exidv", "vhilm", "brgew", "ntgew", "gewei")
_PACKED = ("posnr", "matnr", "charg", "vemng", "vemeh", "inner_exidv")
_UNITS_TABLE = "sap/handling_unit_serials"
_PACKED_UNIT = ("exidv", "posnr", "matnr", *_UNIT)


class Deliveries:
    """Collects DELVRY IDocs.

    Grain of sap/deliveries: one per item and serial number, one per item without serials, one per delivery without
    items.
    Grain of sap/handling_units: one per handling unit and packed item, one per handling unit without items.
    Grain of sap/handling_unit_serials: one per handling unit and serial number that is said to be in it.
    """

    other_fields = ("PARTNER_Q", "PARTNER_ID", "NTANF", "NTANZ", "ISDD", "ISDZ", "BELNR", "MATNR_LONG")
    """Fields that are read and bear no column's name."""

    labels = {
        "lfart": "E1EDL21 LFART",
        "qualf": "E1EDL18 QUALF",
        "inner_exidv": "EXIDV",
        "vgbel": "VGBEL (or E1EDL43 BELNR)",
        "vgpos": "VGPOS (or E1EDL43 POSNR)",
        **{f"partner_{p}": f"E1ADRM1 {p.upper()} PARTNER_ID" for p in _PARTNERS},
        **{name: f"E1EDT13 {kind} {day} {time}" for name, (kind, day, time) in _MOMENTS.items()},
    }

    def __init__(self, contracts: Mapping[str, Contract]) -> None:
        """Collect for those of the tables that have a contract."""
        self.contracts = contracts
        contract = contracts["sap/deliveries"]
        self._item_names = [c.name for c in contract.columns if c.name not in (*_HEADER, *_UNIT)]
        self._headers = Rows("E1EDL20", _HEADER, places=["_control"])
        self._items = Rows("E1EDL24", self._item_names)
        self._serials = Rows("E1EDL11", _UNIT)
        self._packages = Rows("E1EDL37", _PACKAGE)
        self._packed = Rows("E1EDL44", _PACKED)
        self._packed_units = Rows("E1EDL46", _PACKED_UNIT)

    def add(self, idoc: Idoc) -> int:
        """Take one IDoc. Returns the records it makes in all tables."""
        control, records = control_of(idoc), 0
        counts = dict.fromkeys(("E1EDL24", "E1EDL11", "E1EDL37", "E1EDL44", "E1EDL46"), 0)
        bodies = [segment for segment in idoc.segments if segment.name == "E1EDL20"]
        for ordinal, body in enumerate(bodies or [Segment("E1EDL20", idoc.line, {})], 1):
            self._headers.add([{**body.fields, **_header(body), **control}], idoc=idoc.key, parents=[0], first=ordinal, lines=[body.line])
            items, packages = body.all("E1EDL24"), body.all("E1EDL37")
            for item in items:
                records += self._add_item(item, idoc.key, counts)
            records += not items
            if "sap/handling_units" in self.contracts:
                records += sum(self._add_package(package, idoc.key, counts) for package in packages)
        return records

    def records(self) -> dict[str, pl.DataFrame]:
        """All records by table, as `conversion.gathered` gives them."""
        tables = {"sap/deliveries": self._delivery_records()}
        if "sap/handling_units" in self.contracts:
            tables["sap/handling_units"] = self._package_records()
        if self._packed_units.count:
            tables[_UNITS_TABLE] = self._packed_unit_records()
        return tables

    def _add_item(self, item: Segment, key: int, counts: dict[str, int]) -> int:
        material = first_filled(item.fields.get("MATNR"), item.fields.get("MATNR_LONG"))
        fields = {**item.fields, **_preceding(item), "MATNR": material}
        counts["E1EDL24"] += 1
        self._items.add([fields], idoc=key, parents=[self._headers.count - 1], first=counts["E1EDL24"], lines=[item.line])
        return self._add_below(self._serials, item.all("E1EDL11"), key, counts, parent=self._items.count - 1)

    def _add_package(self, package: Segment, key: int, counts: dict[str, int]) -> int:
        counts["E1EDL37"] += 1
        parents = [self._headers.count - 1]
        self._packages.add([package.fields], idoc=key, parents=parents, first=counts["E1EDL37"], lines=[package.line])
        packed = package.all("E1EDL44")
        units = self._add_units(package, packed, key, counts) if _UNITS_TABLE in self.contracts else 0
        # What is packed may be another handling unit; its number has the same name as that of the one around it.
        inner = [replace(item, fields={**item.fields, "INNER_EXIDV": item.fields.get("EXIDV")}) for item in packed]
        return units + self._add_below(self._packed, inner, key, counts, parent=self._packages.count - 1)

    def _add_units(self, package: Segment, packed: list[Segment], key: int, counts: dict[str, int]) -> int:
        """Take serial numbers of what is packed. A segment that names none says something else, and is no record."""
        units = 0
        for item in packed:
            within = {"EXIDV": package.fields.get("EXIDV"), "POSNR": item.fields.get("POSNR"), "MATNR": item.fields.get("MATNR")}
            for unit in item.all("E1EDL46"):
                counts["E1EDL46"] += 1
                named = {name.upper(): unit.fields.get(name.upper()) for name in _UNIT}
                if first_filled(*named.values()):
                    place = {"first": counts["E1EDL46"], "lines": [unit.line]}
                    self._packed_units.add([{**within, **named}], idoc=key, parents=[self._headers.count - 1], **place)
                    units += 1
        return units

    def _add_below(self, rows: Rows, segments: list[Segment], key: int, counts: dict[str, int], *, parent: int) -> int:
        """Take the innermost segments of one item or package. Returns the records they make with it."""
        fields, lines = [segment.fields for segment in segments], [segment.line for segment in segments]
        rows.add(fields, idoc=key, parents=[parent] * len(fields), first=counts[rows.segment] + 1, lines=lines)
        counts[rows.segment] += len(fields)
        return max(len(fields), 1)

    def _delivery_records(self) -> pl.DataFrame:
        contract = self.contracts["sap/deliveries"]
        headers = placed(self._headers.judged(columns_of(contract, _HEADER)), CONTROL_PLACE)
        items = self._items.judged(columns_of(contract, self._item_names))
        units = judged_serials(self._serials.frame(), columns_of(contract, _UNIT))
        takes = below(pl.DataFrame({"header": pl.int_range(headers.height, eager=True)}), "header", "item", rows=items)
        takes = below(takes, "item", "unit", rows=units)
        levels = {"header": (headers, takes["header"]), "item": (items, takes["item"]), "unit": (units, takes["unit"])}
        return gathered(levels, [c.name for c in contract.columns])

    def _package_records(self) -> pl.DataFrame:
        contract = self.contracts["sap/handling_units"]
        headers = placed(self._headers.judged(columns_of(contract, ("docnum", "sndprn", "vbeln"))), CONTROL_PLACE)
        packages = self._packages.judged(columns_of(contract, _PACKAGE))
        packed = self._packed.judged(columns_of(contract, _PACKED))
        takes = packages.select(pl.col("_parent").alias("header"), pl.int_range(pl.len()).alias("package"))
        takes = below(takes, "package", "packed", rows=packed)
        levels = {
            "header": (headers, takes["header"]),
            "package": (packages, takes["package"]),
            "packed": (packed, takes["packed"]),
        }
        return gathered(levels, [c.name for c in contract.columns])

    def _packed_unit_records(self) -> pl.DataFrame:
        contract = self.contracts[_UNITS_TABLE]
        headers = placed(self._headers.judged(columns_of(contract, ("docnum", "sndprn", "vbeln"))), CONTROL_PLACE)
        frame = self._packed_units.frame()
        given = blank_to_null(frame["sernr"])
        number = given.zip_with(given.is_not_null(), blank_to_null(frame["uii"]))
        units = judged(frame.with_columns(number.alias("sernr")), columns_of(contract, _PACKED_UNIT))
        takes = units.select(pl.col("_parent").alias("header"), pl.int_range(pl.len()).alias("unit"))
        levels = {"header": (headers, takes["header"]), "unit": (units, takes["unit"])}
        return gathered(levels, [c.name for c in contract.columns])


def _header(body: Segment) -> dict[str, str | None]:
    """Texts of one delivery's header that stand in segments within it."""
    kind = next((first_filled(s.fields.get("LFART")) for s in body.all("E1EDL21")), None)
    qualifiers = [value for s in body.all("E1EDL18") if (value := (s.fields.get("QUALF") or "").strip())]
    partners: dict[str, str | None] = {}
    for partner in body.all("E1ADRM1"):
        role = (partner.fields.get("PARTNER_Q") or "").strip().lower()
        partners[role] = first_filled(partners.get(role), partner.fields.get("PARTNER_ID"))
    texts = {"LFART": kind, "QUALF": " ".join(qualifiers)}
    moments = {name.upper(): _moment(body, *place) for name, place in _MOMENTS.items()}
    return texts | {f"PARTNER_{role.upper()}": partners.get(role) for role in _PARTNERS} | moments


def _moment(body: Segment, kind: str, day: str, time: str) -> str | None:
    """Day and time of the first deadline of that kind whose day is filled, as one text yyyymmddHHMMSS."""
    for deadline in body.all("E1EDT13"):
        date = (deadline.fields.get(day) or "").strip()
        if (deadline.fields.get("QUALF") or "").strip() == kind and date.strip("0"):
            return date + (deadline.fields.get(time) or "").strip()
    return None


def _preceding(item: Segment) -> dict[str, str | None]:
    """Preceding document and its item: the item's own VGBEL, else E1EDL43 with QUALF V, else the first E1EDL43."""
    if first_filled(item.fields.get("VGBEL")):
        return {}
    references = item.all("E1EDL43")
    chosen = next((r for r in references if (r.fields.get("QUALF") or "").strip() == "V"), references[0] if references else None)
    return {"VGBEL": chosen.fields.get("BELNR"), "VGPOS": chosen.fields.get("POSNR")} if chosen else {}
