"""Master data: MATMAS, ARTMAS, DEBMAS and CREMAS documents become rows of the tables that extracts fill, too.

Which segment is which table's row, and where a key is inherited, belong here. Typing does not (conversion.py); the columns are
explained in data_contracts/sources/sap. Of a customer or vendor no field is taken that the contract does not name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import polars as pl

from pipelines.contracts import Contract
from pipelines.sources.conversion import gathered, with_verdict
from pipelines.sources.idoc.rows import Rows, columns_of, first_filled
from pipelines.sources.idoc.tree import Idoc, Segment

__all__ = ["MASTER_DATA", "MasterData", "MasterSpec"]

_DELETE = "003"
"""Function of a segment (MSGFN, in ARTMAS FUNCTION) that tells of a deletion."""

Piece = tuple[str, Segment, Mapping[str, str | None]]
"""A table, the segment that is its row, and the row's texts by column in capitals."""


@dataclass(frozen=True)
class MasterSpec:
    """How the IDocs of one message are read: the table that each must fill, its segment, and the pieces of an IDoc."""

    main: str
    segments: Mapping[str, str]
    pieces: Callable[[Idoc], Iterator[Piece]]
    other_fields: frozenset[str]
    labels: Mapping[str, str] = field(default_factory=dict)


class MasterData:
    """Collects the IDocs of one message. Grain of the records: one per segment of a table; an IDoc without any is one refused record."""

    def __init__(self, contracts: Mapping[str, Contract], spec: MasterSpec) -> None:
        """Collect for those of the message's tables that have a contract."""
        self.contracts, self.spec = contracts, spec
        self.labels = {"extract_date": "EDI_DC40 CREDAT", **spec.labels}
        self._rows = {
            table: Rows(segment, [*(column.name for column in contracts[table].columns), "_function"])
            for table, segment in spec.segments.items()
            if table in contracts
        }

    def add(self, idoc: Idoc) -> int:
        """Take one IDoc. Returns the records it makes."""
        day, counts = idoc.control.fields.get("CREDAT"), dict.fromkeys(self._rows, 0)
        for table, segment, fields in self.spec.pieces(idoc):
            if table in self._rows:
                self._add(table, segment, {**fields, "EXTRACT_DATE": day}, idoc, counts)
        if not sum(counts.values()):
            self._add(self.spec.main, Segment("", idoc.line, {}), {}, idoc, counts)
        return sum(counts.values())

    def records(self) -> dict[str, pl.DataFrame]:
        """All records by table, as `conversion.gathered` gives them."""
        return {table: self._judged(self.contracts[table], rows) for table, rows in self._rows.items() if rows.count}

    def _add(self, table: str, segment: Segment, fields: Mapping[str, str | None], idoc: Idoc, counts: dict[str, int]) -> None:
        counts[table] += 1
        row = {**fields, "_FUNCTION": _function(segment)}
        self._rows[table].add([row], idoc=idoc.key, parents=[0], first=counts[table], lines=[segment.line])

    def _judged(self, contract: Contract, rows: Rows) -> pl.DataFrame:
        names = [column.name for column in contract.columns]
        judged = rows.judged(columns_of(contract, names))
        # An article has a flag for it; of any other row nobody would know that it is gone.
        if "lvorm" not in names:
            is_deletion = (pl.col("_function") == _DELETE) & pl.col("_code").is_null()
            judged = with_verdict(judged, is_deletion, code="deletion_not_taken", field=contract.key[0])
        return gathered({"row": (judged, pl.int_range(judged.height, eager=True))}, names)


def _function(segment: Segment) -> str | None:
    return (segment.fields.get("MSGFN") or segment.fields.get("FUNCTION") or "").strip() or None


def _extended(segment: Segment, extension: str) -> dict[str, str | None]:
    """The segment's fields, and those of the segment within it that holds what did not fit."""
    further = segment.all(extension)
    return {**further[0].fields, **segment.fields} if further else dict(segment.fields)


def _flag(fields: Mapping[str, str | None], segment: Segment, name: str) -> str | None:
    return "X" if _function(segment) == _DELETE else fields.get(name)


def _materials(idoc: Idoc) -> Iterator[Piece]:
    for head in idoc.segments:
        if head.name != "E1MARAM":
            continue
        fields = _extended(head, "E1MARA1")
        key = {"MATNR": first_filled(fields.get("MATNR_LONG"), fields.get("MATNR"))}
        generic = first_filled(fields.get("SATNR_LONG"), fields.get("SATNR"))
        yield "sap/mara", head, {**fields, **key, "SATNR": generic, "LVORM": _flag(fields, head, "LVORM")}
        for text in head.all("E1MAKTM"):
            yield "sap/makt", text, {**text.fields, **key, "SPRAS": first_filled(text.fields.get("SPRAS_ISO"), text.fields.get("SPRAS"))}
        for site in head.all("E1MARCM"):
            yield "sap/marc", site, {**_extended(site, "E1MARC1"), **key}


_ARTICLE = {"ERSDA": "CREATED_ON", "MEINS": "BASE_UOM", "EAN11": "EAN_UPC", "PRDHA": "PROD_HIER", "MFRNR": "MFR_NO", "MFRPN": "MANU_MAT"}
_ARTICLE_SITE = {
    "WERKS": "PLANT",
    "SERNP": "SERNO_PROF",
    "PLIFZ": "PLND_DELRY",
    "EISBE": "SAFETY_STK",
    "MINBE": "REORDER_PT",
    "MABST": "MAX_STOCK",
}
"""Fields of the retail article's segments by the column they fill."""


def _articles(idoc: Idoc) -> Iterator[Piece]:
    """Segments lie side by side and name their article; the header is that of the generic or single article."""
    head = next((segment.fields for segment in idoc.segments if segment.name == "E1BPE1MATHEAD"), {})
    variants = {
        first_filled(segment.fields.get("VARIANT_LONG"), segment.fields.get("VARIANT"))
        for segment in idoc.segments
        if segment.name == "E1BPE1VARKEY"
    }
    of_head = {"MTART": head.get("MATL_TYPE"), "MATKL": head.get("MATL_GROUP")}
    for segment in idoc.segments:
        fields = _extended(segment, f"{segment.name}1")
        article = first_filled(fields.get("MATERIAL_LONG"), fields.get("MATERIAL"))
        if segment.name == "E1BPE1MARART":
            row = {column: fields.get(name) for column, name in _ARTICLE.items()} | {"LVORM": _flag(fields, segment, "DEL_FLAG")}
            category = {"ATTYP": head.get("MATL_CAT")}
            if article in variants:
                category = {"ATTYP": "02", "SATNR": first_filled(head.get("MATERIAL_LONG"), head.get("MATERIAL"))}
            yield "sap/mara", segment, {**of_head, **row, **category, "MATNR": article}
        elif segment.name == "E1BPE1MAKTRT":
            language = first_filled(fields.get("LANGU_ISO"), fields.get("LANGU"))
            yield "sap/makt", segment, {"MATNR": article, "SPRAS": language, "MAKTX": fields.get("MATL_DESC")}
        elif segment.name == "E1BPE1MARCRT":
            yield "sap/marc", segment, {"MATNR": article, **{column: fields.get(name) for column, name in _ARTICLE_SITE.items()}}


def _partners(table: str, name: str) -> Callable[[Idoc], Iterator[Piece]]:
    def pieces(idoc: Idoc) -> Iterator[Piece]:
        return ((table, segment, segment.fields) for segment in idoc.segments if segment.name == name)

    return pieces


_ARTICLE_LABELS = {
    "matnr": "MATERIAL",
    "mtart": "MATL_TYPE",
    "matkl": "MATL_GROUP",
    "attyp": "MATL_CAT",
    "lvorm": "DEL_FLAG",
    "spras": "LANGU",
    "maktx": "MATL_DESC",
    **{column.lower(): name for column, name in {**_ARTICLE, **_ARTICLE_SITE}.items()},
}

MASTER_DATA: Mapping[str, MasterSpec] = {
    "MATMAS": MasterSpec(
        "sap/mara",
        {"sap/mara": "E1MARAM", "sap/makt": "E1MAKTM", "sap/marc": "E1MARCM"},
        _materials,
        frozenset({"MSGFN", "MATNR_LONG", "SATNR_LONG", "SPRAS_ISO"}),
    ),
    "ARTMAS": MasterSpec(
        "sap/mara",
        {"sap/mara": "E1BPE1MARART", "sap/makt": "E1BPE1MAKTRT", "sap/marc": "E1BPE1MARCRT"},
        _articles,
        frozenset({"FUNCTION", "MATERIAL_LONG", "LANGU_ISO", "VARIANT", "VARIANT_LONG", *_ARTICLE_LABELS.values()}),
        _ARTICLE_LABELS,
    ),
    "DEBMAS": MasterSpec("sap/kna1", {"sap/kna1": "E1KNA1M"}, _partners("sap/kna1", "E1KNA1M"), frozenset({"MSGFN"})),
    "CREMAS": MasterSpec("sap/lfa1", {"sap/lfa1": "E1LFA1M"}, _partners("sap/lfa1", "E1LFA1M"), frozenset({"MSGFN"})),
}
"""How master data is read, by message."""
