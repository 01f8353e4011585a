"""Corpus: good files of every format that is read, small enough that damage hits what matters.

Real files belong here, and files made from the contracts where there is no real one. Damaging them does not (mutations.py).
Files of other makers are added where they are on this machine.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path

import polars as pl
import xlsxwriter

from pipelines.contracts import Contract
from pipelines.sources import read_mappings
from tests.unit.sources.test_epcis_documents import AGGREGATION, BASE, IN_XML, RICH, RICH_XML, TRANSFORMATION, XML, document

SOURCES = Path(__file__).resolve().parents[1] / "unit" / "sources"
SHARED_DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
_RECORDS = 4
_MOST_BYTES = 64 * 1024
_VALUES = {"DATE": "20260302", "TIMESTAMP": "2026-03-02T09:15:00Z", "BOOLEAN": "X", "INTEGER": "7", "BIGINT": "12", "DOUBLE": "1.5"}

Corpus = dict[str, list[tuple[str, bytes]]]
"""Files by format: each with its name below landing/ and its bytes."""


def corpus(contracts: Mapping[str, Contract]) -> Corpus:
    """Good files of every format, at most 64 KB each."""
    found: Corpus = {}
    for format_name, name, content in [*_idocs(), *_from_contracts(contracts), *_mapped(), *_events()]:
        if len(content) <= _MOST_BYTES:
            found.setdefault(format_name, []).append((name, content))
    return found


def _idocs() -> Iterator[tuple[str, str, bytes]]:
    folders = [SOURCES / "golden", SHARED_DATA / "idoc"]
    for path in sorted(path for folder in folders for path in folder.rglob("*") if path.suffix in {".xml", ".txt"}):
        content = path.read_bytes()
        if path.suffix == ".xml":
            yield "idoc_xml", f"idoc/{path.name}", content
        elif content.startswith(b"EDI_DC40"):
            yield "idoc_flat", f"idoc/{path.name}", content


def _from_contracts(contracts: Mapping[str, Contract]) -> Iterator[tuple[str, str, bytes]]:
    for contract in contracts.values():
        name = (contract.landing_pattern or "").replace("**/", "").replace("*", "_1")
        records = [{column.name: _value(column, at) for column in contract.columns} for at in range(_RECORDS)]
        if contract.custom("reader") in ("csv", "sap_table", "tabular"):
            yield "csv", name, pl.DataFrame(records).write_csv().encode()
        if contract.custom("reader") == "csv":
            yield "workbook", name.replace(".csv", ".xlsx"), _workbook(records)
        if contract.custom("reader") == "sap_table":
            yield "parquet", name.replace(".csv", ".parquet"), _parquet(pl.DataFrame(records))
        if contract.custom("reader") == "jsonl":
            yield "json_lines", name, "".join(json.dumps(record) + "\n" for record in records).encode()


def _value(column, at: int) -> str:
    if column.codes:
        return sorted(column.codes)[at % len(column.codes)]
    plain = "3.50" if column.physical_type.startswith("DECIMAL") else _VALUES.get(column.physical_type, f"A{at}7")
    return plain[: column.max_length] if column.max_length else plain


def _events() -> Iterator[tuple[str, str, bytes]]:
    yield "epcis_json", "epcis/events.jsonld", document(BASE, RICH, AGGREGATION, TRANSFORMATION).encode()
    yield "epcis_xml", "epcis/events.xml", XML.format(edition=2, events=IN_XML.format(more=RICH_XML)).encode()
    for folder in ("JSON", "XML", "openepcis_valid"):
        for path in sorted((SHARED_DATA / "epcis" / folder).rglob("*")):
            if path.suffix in {".json", ".jsonld", ".xml"}:
                yield "epcis_xml" if path.suffix == ".xml" else "epcis_json", f"epcis/{path.name}", path.read_bytes()


def _mapped() -> Iterator[tuple[str, str, bytes]]:
    """A life of disks as the mapping contract `backblaze` claims it, as Parquet and as CSV."""
    frame = pl.DataFrame(
        {
            "event": ["installed", "failed", "removed"],
            "date": [date(2026, 3, 2), date(2026, 3, 3), date(2026, 3, 4)],
            "model": ["ST4000", "ST4000", "ST8000"],
            "serial_number": ["Z3025", "Z3026", "ZA10"],
        }
    )
    yield "parquet", "backblaze/life.parquet", _parquet(frame)
    yield "mapped_csv", "backblaze/life.csv", frame.write_csv().encode()


def _parquet(frame: pl.DataFrame) -> bytes:
    content = io.BytesIO()
    frame.write_parquet(content)
    return content.getvalue()


def _workbook(records: list[dict]) -> bytes:
    """A workbook that is not packed, so that damage hits what is in it."""
    content, plain = io.BytesIO(), io.BytesIO()
    with xlsxwriter.Workbook(content, {"in_memory": True}) as book:
        sheet = book.add_worksheet("Data")
        for row, values in enumerate([list(records[0]), *(list(record.values()) for record in records)]):
            sheet.write_row(row, 0, values)
    with zipfile.ZipFile(content) as packed, zipfile.ZipFile(plain, "w", zipfile.ZIP_STORED) as stored:
        for name in packed.namelist():
            stored.writestr(name, packed.read(name))
    return plain.getvalue()


def mappings(folder: Path) -> Sequence[Contract]:
    """The mapping contract of those files, written into the folder for both formats."""
    text = (SOURCES / "mappings" / "backblaze.odcs.yaml").read_text(encoding="utf-8")
    for suffix in ("parquet", "csv"):
        of_format = text.replace("backblaze/*.parquet", f"backblaze/*.{suffix}").replace("format: parquet", f"format: {suffix}")
        (folder / f"{suffix}.odcs.yaml").write_text(of_format, encoding="utf-8")
    return read_mappings(folder)
