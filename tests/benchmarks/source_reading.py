"""The readers' benchmark for all but IDocs: files of each form to typed records, against a bare parse of the same bytes.

`python -m tests.benchmarks.source_reading` prints it alone. A bare parse makes Python objects of the file and looks at none.
"""

from __future__ import annotations

import csv
import io
import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import polars as pl
import xlsxwriter
from lxml import etree
from python_calamine import CalamineWorkbook
from rich.console import Console

from pipelines.contracts import source_contracts
from pipelines.simulator import SimulationConfig, simulate, write
from pipelines.sources import extract
from pipelines.summary import table_of
from tests.unit.sources.test_epcis_documents import AGGREGATION, BASE, IN_XML, RICH, RICH_XML, XML, document

__all__ = ["source_rows"]

EVENTS = 3_000
SHEET_ROWS = 20_000


def source_rows(folder: Path) -> list[dict]:
    """Rows of the table of figures: CSV, Parquet, JSON lines, a workbook, and EPCIS in both forms."""
    write(simulate(SimulationConfig(scale=3)), folder / "landing", folder / "truth")
    table = max((folder / "landing" / "sap").glob("marc*.csv"), key=lambda path: path.stat().st_size)
    scans = max((folder / "landing" / "handheld").glob("*.jsonl"), key=lambda path: path.stat().st_size)
    many = folder / "scans_many.jsonl"
    many.write_bytes(scans.read_bytes() * (4_000_000 // scans.stat().st_size + 1))
    rows = table.read_bytes().split(b"\n", 1)
    large = folder / "marc_many.csv"
    large.write_bytes(rows[0] + b"\n" + rows[1] * (8_000_000 // len(rows[1]) + 1))
    parquet = folder / "marc_many.parquet"
    pl.read_csv(large, infer_schema=False).write_parquet(parquet)
    events, in_xml, sheet = folder / "events.jsonld", folder / "events.xml", folder / "receipts_many.xlsx"
    events.write_text(document(*[BASE, RICH, AGGREGATION] * (EVENTS // 3)))
    in_xml.write_text(XML.format(edition=2, events=IN_XML.format(more=RICH_XML) * EVENTS))
    _sheet(folder / "landing" / "wms", sheet)
    return [
        _row("read a table of SAP as CSV", large, "sap/marc_1.csv", lambda: list(csv.reader(io.StringIO(large.read_text())))),
        _row("the same as Parquet", parquet, "sap/marc_1.parquet", lambda: pl.read_parquet(parquet)),
        _row("read scans as JSON lines", many, "handheld/scans_1.jsonl", lambda: [json.loads(line) for line in many.open()]),
        _row(
            "read a workbook",
            sheet,
            "wms/receipts_1.xlsx",
            lambda: CalamineWorkbook.from_path(str(sheet)).get_sheet_by_index(0).to_python(),
        ),
        _row("read EPCIS events as JSON", events, "epcis/1.jsonld", lambda: json.loads(events.read_text())),
        _row("read EPCIS events as XML", in_xml, "epcis/1.xml", lambda: etree.parse(str(in_xml))),
    ]


def _sheet(delivered: Path, target: Path) -> None:
    lines = list(csv.reader(max(delivered.glob("receipts*.csv"), key=lambda path: path.stat().st_size).open()))
    with xlsxwriter.Workbook(str(target)) as book:
        sheet = book.add_worksheet("Data")
        for row in range(SHEET_ROWS + 1):
            sheet.write_row(row, 0, lines[0] if row == 0 else lines[1 + row % (len(lines) - 1)])


def _row(what: str, path: Path, name: str, bare: Callable[[], object]) -> dict:
    contracts = source_contracts()
    taken = extract(path, name, contracts=contracts)
    assert not taken.refused_whole, taken.quarantined
    reading = min(_seconds(lambda: extract(path, name, contracts=contracts)) for _ in range(3))
    parsing = min(_seconds(bare) for _ in range(3))
    rate = f"{taken.records_in / reading:,.0f} records/s"
    return {
        "what": what,
        "measured": rate,
        "baseline": f"bare parse, {taken.records_in / parsing:,.0f}/s",
        "ratio": f"{reading / parsing:.1f}",
    }


def _seconds(work: Callable[[], object]) -> float:
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def main() -> None:
    """Print the figures."""
    with tempfile.TemporaryDirectory() as folder:
        Console().print(table_of("Readers", pl.DataFrame(source_rows(Path(folder)))))


if __name__ == "__main__":
    main()
