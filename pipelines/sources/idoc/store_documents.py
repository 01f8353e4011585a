"""Store documents: WPUWBW goods movements of a store, and WPUUMS sales by article, become one record per line.

What these segments say belongs here; collecting does not (headed_lines.py), nor do receipts (receipts.py). The columns are
explained in data_contracts/sources/pos/store_movements.odcs.yaml and sales_totals.odcs.yaml, the free fields in IDOC_TYPES.md.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pipelines.sources.idoc.free_fields import extension_text, free_fields
from pipelines.sources.idoc.headed_lines import HeadedSpec
from pipelines.sources.idoc.rows import Fields, first_filled
from pipelines.sources.idoc.tree import Segment

__all__ = ["SALES_TOTALS", "STORE_MOVEMENTS"]

SERIAL_FIELDS = ("SERNR", "SERIALNO", "SERIENNR")
"""Free fields (E1WXX01 FLDNAME) whose value is the serial number of a moved unit; several make several units."""

_MOVED: Mapping[str, Sequence[str]] = {
    "BWART": ("BWART", "VORGANGART"),
    "MEINS": ("MEINS", "VRKME"),
    "UMWRK": ("UMWRK",),
    "UMLGO": ("UMLGO",),
}
"""Columns of a moved article by the fields that may hold them: a till's own names, or those of the posting."""


def _moved_units(line: Segment, at: int) -> list[Fields]:
    """One record per serial number of the line, one where it names none."""
    free = free_fields(line)
    serials = [value for _, name, value in free if name in SERIAL_FIELDS and first_filled(value)]
    own = {column: first_filled(*(line.fields.get(name) for name in names)) for column, names in _MOVED.items()}
    sign = (line.fields.get("VORZEICHEN") or "").strip()
    shared = {**line.fields, **own, "VORZEICHEN": sign or None, "POSNR": str(at), "EXTENSION": extension_text(free, without=SERIAL_FIELDS)}
    named = serials or [line.fields.get("SERIENNR")]
    return [{**shared, "SERIENNR": serial} for serial in named]


STORE_MOVEMENTS = HeadedSpec(
    table="pos/store_movements",
    header="E1WPG01",
    line="E1WPG02",
    header_columns=("bonnummer", "belegdatum", "budat"),
    head=lambda document: document.fields,
    lines=_moved_units,
    other_fields=frozenset({"FLDGRP", "FLDNAME", "FLDVAL", *(name for names in _MOVED.values() for name in names)}),
    needed="posnr",
    labels={"posnr": "E1WPG02", "bwart": "BWART (or VORGANGART)", "seriennr": "E1WXX01 SERNR", "extension": "E1WXX01"},
)
"""Grain of pos/store_movements: one per line and serial number, one per line without."""

SALES_TOTALS = HeadedSpec(
    table="pos/sales_totals",
    header="E1WPU01",
    line="E1WPU02",
    header_columns=("kassid", "vorgdatum", "belegwaers"),
    head=lambda document: document.fields,
    lines=lambda line, at: [{**line.fields, "POSNR": str(at)}],
    other_fields=frozenset(),
    needed="posnr",
    labels={"posnr": "E1WPU02"},
)
"""Grain of pos/sales_totals: one per article of a till's upload."""
