"""Acknowledgements: what became of each delivered IDoc, as a file for the sender in outbox/acks/.

Writing these files belongs here; what became of an IDoc is told by its reader (pipelines/sources/sap_documents.py).
The form is that of SAP's audit message ALEAUD, with the fields of a status record; see README.md, "Acknowledgements".
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from xml.sax.saxutils import escape

import polars as pl

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
    folder.mkdir(parents=True, exist_ok=True)
    of_idoc = ["_load_id", "idoc"]
    told = states.with_columns(total=pl.col("reason_code").count().over(of_idoc), at=pl.int_range(pl.len()).over(of_idoc))
    told = told.filter(pl.col("at") < _MOST).with_columns(pl.col("mestyp").fill_null("")).sort("_load_id", "mestyp", maintain_order=True)
    written = 0
    for load_id, rows in groupby(told.iter_rows(named=True), key=itemgetter("_load_id")):
        target = folder / f"{load_id}.xml"
        if target.exists():
            continue
        part = target.with_suffix(".part")
        with part.open("w", encoding="utf-8") as stream:
            stream.writelines(_lines(rows, files[load_id]))
        os.replace(part, target)  # noqa: PTH105 - one step, so that nobody sees half a file
        written += 1
    return written


def _lines(rows: Iterable[Mapping], file: str) -> Iterator[str]:
    yield '<?xml version="1.0" encoding="UTF-8"?>\n<ALEAUD01><IDOC BEGIN="1">\n'
    # The end of a name tells more than its beginning, and the field has 70 characters.
    yield f"{_segment('EDI_DC40', IDOCTYP='ALEAUD01', MESTYP='ALEAUD', ARCKEY=file[-70:])}\n"
    for message, of_message in groupby(rows, key=itemgetter("mestyp")):
        yield f'<E1ADHDR SEGMENT="1">{_field("MESTYP", message)}\n'
        yield from (f"{_state(row)}\n" for row in of_message)
        yield "</E1ADHDR>\n"
    yield "</IDOC></ALEAUD01>\n"


def _state(row: Mapping) -> str:
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


def _segment(name: str, **fields: str | None) -> str:
    return f'<{name} SEGMENT="1">{"".join(_field(key, text) for key, text in fields.items())}</{name}>'


def _field(name: str, text: str | None) -> str:
    return f"<{name}>{escape(printable(text))}</{name}>" if text else ""
