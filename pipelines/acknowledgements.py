"""Acknowledgements: what became of each delivered IDoc, as a file for the sender in outbox/acks/.

Writing these files belongs here; what became of an IDoc is told by its reader (pipelines/sources/sap_documents.py).
The form is that of SAP's audit message ALEAUD, with the fields of a status record; see README.md, "Acknowledgements".
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import polars as pl
from lxml import etree

from pipelines.sources.idoc.raw import printable

__all__ = ["write_acknowledgements"]

_ACCEPTED, _REFUSED = "53", "51"
"""SAP's states of an inbound IDoc: posted, and error in the application."""
_MOST = 100
"""Refused records of one IDoc that are named; how many there are is told besides."""


def write_acknowledgements(folder: Path, states: pl.DataFrame, files: Mapping[str, str]) -> int:
    """Write one file per load, named after it, that tells what became of its IDocs. Returns files written.

    `states` has the columns of `STATES_SCHEMA`, and `_load_id`; `files` gives the delivered file of a load. A load that has
    its file keeps it: read again after a crash, it would say the same. No value of a record is told, so nothing personal.
    """
    written = 0
    for (load_id,), rows in states.group_by("_load_id", maintain_order=True):
        target = folder / f"{load_id}.xml"
        if target.exists():
            continue
        folder.mkdir(parents=True, exist_ok=True)
        part = target.with_suffix(".part")
        _write(part, rows, files[load_id])
        os.replace(part, target)  # noqa: PTH105 - one step, so that nobody sees half a file
        written += 1
    return written


def _write(path: Path, rows: pl.DataFrame, file: str) -> None:
    counted = rows.with_columns(
        total=pl.col("reason_code").count().over("idoc"), at=pl.int_range(pl.len()).over("idoc"), mestyp=pl.col("mestyp").fill_null("")
    )
    with etree.xmlfile(str(path), encoding="UTF-8") as xml:
        xml.write_declaration()
        with xml.element("ALEAUD01"), xml.element("IDOC", BEGIN="1"):
            # The end of a name tells more than its beginning, and the field has 70 characters.
            xml.write(_segment("EDI_DC40", IDOCTYP="ALEAUD01", MESTYP="ALEAUD", ARCKEY=file[-70:]))
            for (message,), of_message in counted.filter(pl.col("at") < _MOST).group_by("mestyp", maintain_order=True):
                with xml.element("E1ADHDR", SEGMENT="1"):
                    if message:
                        xml.write(_field("MESTYP", message))
                    for row in of_message.iter_rows(named=True):
                        xml.write(_state(row))


def _state(row: Mapping) -> etree._Element:
    """One IDoc that was accepted, or one record of it that was refused: which segment and field, and why."""
    if row["reason_code"] is None:
        text = f"Accepted, without {row['skipped']}" if row["skipped"] else "Accepted"
        return _segment("E1STATE", DOCNUM=row["docnum"], STATUS=_ACCEPTED, STATYP="S", STATXT=text[:70])
    return _segment(
        "E1STATE",
        DOCNUM=row["docnum"],
        STATUS=_REFUSED,
        STATYP="E",
        STATXT=f"Refused: {row['reason_code'].replace('_', ' ')}",
        STAPA1=row["reason_code"],
        STAPA2=row["segment"],
        STAPA3=None if row["line"] is None else f"line {row['line']}",
        STAPA4=f"{row['total']} records refused" if row["total"] > 1 else None,
        SEGFLD=row["field"] and row["field"].upper(),
    )


def _segment(name: str, **fields: str | None) -> etree._Element:
    segment = etree.Element(name, SEGMENT="1")
    segment.extend(_field(key, text) for key, text in fields.items() if text)
    return segment


def _field(name: str, text: str) -> etree._Element:
    element = etree.Element(name)
    element.text = printable(text)
    return element
