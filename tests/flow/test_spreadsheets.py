"""Spreadsheets: from the template to bronze, and refused rows back to their sender."""

from __future__ import annotations

import os
import time
import zipfile
from datetime import date, datetime

import polars as pl
import pytest
import xlsxwriter
from python_calamine import CalamineWorkbook
from typer.testing import CliRunner

from pipelines.cli import app
from pipelines.contracts import source_contracts
from pipelines.ingest import ingest
from pipelines.lake import Lake
from pipelines.templates import template_kinds

KIND = "wms/receipts"
COLUMNS = [column.name for column in source_contracts()[KIND].columns]
NOW = datetime(2026, 3, 3)


def filled(path, *rows: dict, sheet="Data", header=None):
    """A workbook with these rows below the header."""
    with xlsxwriter.Workbook(str(path)) as book:
        data = book.add_worksheet(sheet)
        day = book.add_format({"num_format": "yyyy-mm-dd hh:mm"})
        data.write_row(0, 0, header or COLUMNS)
        for at, row in enumerate(rows, 1):
            for column, name in enumerate(COLUMNS):
                value = row.get(name)
                if isinstance(value, date):
                    data.write_datetime(at, column, value, day)
                elif value is not None:
                    data.write(at, column, value)
    return path


def landed(home, name):
    path = home.landing / name
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def taken(home) -> Lake:
    for path in home.landing.rglob("*.*"):
        os.utime(path, (time.time() - 60,) * 2)
    lake = Lake(home.lake)
    ingest(home, lake, source_contracts(), now=NOW)
    return lake


def complete(**other) -> dict:
    """A row with something believable in every column that must be filled."""
    values = {}
    for column in source_contracts()[KIND].columns:
        if column.codes:
            values[column.name] = next(iter(column.codes))
        elif column.physical_type == "TIMESTAMP":
            values[column.name] = datetime(2026, 3, 2, 9, 15)
        elif column.physical_type == "DATE":
            values[column.name] = date(2026, 3, 2)
        elif column.physical_type.startswith(("DECIMAL", "INTEGER", "BIGINT")):
            values[column.name] = 1
        elif column.name == "serial_number":
            values[column.name] = "0003SER1"
        else:
            values[column.name] = "A1"
    return values | other


def test_every_kind_has_a_template_that_its_own_reader_accepts_empty(home, tmp_path):
    kinds = template_kinds(source_contracts())
    assert {KIND, "wms/counts", "tabular/movements", "carrier/freight_claims"} <= set(kinds)
    for kind, contract in kinds.items():
        name = (contract.landing_pattern or "").replace("*", "_1").replace(".csv", ".xlsx")
        result = CliRunner().invoke(app, ["template", kind, "--out", str(landed(home, name))])
        assert result.exit_code == 0, result.output
    manifest = taken(home).read("manifest")
    assert manifest.height == len(kinds)
    assert set(manifest["status"]) == {"loaded"}
    assert manifest["records_in"].sum() == 0


def test_the_template_names_every_column_and_says_what_it_is(tmp_path):
    assert CliRunner().invoke(app, ["template", KIND, "--out", str(tmp_path / "t.xlsx")]).exit_code == 0
    book = CalamineWorkbook.from_path(str(tmp_path / "t.xlsx"))
    assert book.get_sheet_by_name("Data").to_python()[0] == COLUMNS
    told = {row[0]: row for row in book.get_sheet_by_name("Instructions").to_python()}
    assert all(source_contracts()[KIND].columns[at].description in told[name][5] for at, name in enumerate(COLUMNS))
    with zipfile.ZipFile(tmp_path / "t.xlsx") as packed:
        assert b"dataValidation" in packed.read("xl/worksheets/sheet1.xml")
    assert CliRunner().invoke(app, ["template", KIND, "--out", str(tmp_path / "t.csv")]).exit_code == 0
    assert (tmp_path / "t.csv").read_text() == ",".join(COLUMNS) + "\n"


def test_a_kind_that_there_is_not_lists_those_there_are(tmp_path):
    result = CliRunner().invoke(app, ["template", "receipt", "--out", str(tmp_path / "t.xlsx")])
    assert result.exit_code == 1
    assert "there is" in result.output
    assert "wms/receipts" in result.output.replace("\n", "")


def test_a_filled_workbook_is_read_as_its_csv_twin_and_refused_rows_come_back(home):
    filled(landed(home, "wms/receipts_1.xlsx"), complete(), complete(received_at="some day"), complete(serial_number=353012345678901))
    lake = taken(home)
    rows = lake.read(f"bronze/{KIND}").sort("_line")
    assert rows["_line"].to_list() == [2, 4]
    assert rows["serial_number"].to_list() == ["0003SER1", "353012345678901"]
    assert rows["received_at"].to_list() == [datetime(2026, 3, 2, 9, 15)] * 2
    refused = lake.read("quarantine").row(0, named=True)
    assert (refused["reason_code"], refused["line"], refused["field"]) == ("bad_date", 3, "received_at")
    (copy,) = (home.root / "outbox" / "rejected").iterdir()
    header, row = CalamineWorkbook.from_path(str(copy)).get_sheet_by_name("Data").to_python()
    assert header == [*COLUMNS, "reason_code", "reason"]
    assert row[header.index("received_at")] == "some day"
    assert row[-2:] == ["bad_date", refused["reason"]]


def test_a_corrected_copy_is_taken_when_it_is_delivered(home):
    filled(landed(home, "wms/receipts_1.xlsx"), complete(received_at="some day"))
    lake = taken(home)
    (copy,) = (home.root / "outbox" / "rejected").iterdir()
    header, row = CalamineWorkbook.from_path(str(copy)).get_sheet_by_name("Data").to_python()
    corrected = dict(zip(header, row, strict=True)) | {"received_at": "2026-03-02T09:15:00Z"}
    with xlsxwriter.Workbook(str(landed(home, "wms/receipts_2.xlsx"))) as book:
        sheet = book.add_worksheet("Data")
        sheet.write_row(0, 0, header)
        sheet.write_row(1, 0, [corrected[name] for name in header])
    lake = taken(home)
    assert lake.read(f"bronze/{KIND}")["received_at"].to_list() == [datetime(2026, 3, 2, 9, 15)]
    assert len(list((home.root / "outbox" / "rejected").iterdir())) == 1


def test_refused_lines_of_a_csv_file_come_back_with_restricted_values_hidden(home):
    names = [column.name for column in source_contracts()["quality/warranty_claims"].columns]
    line = ",".join("C0001" if name == "customer_id" else "not-a-day" for name in names)
    landed(home, "quality/warranty_claims_1.csv").write_text(",".join(names) + "\n" + line + "\n")
    lake = taken(home)
    assert lake.read("quarantine").height == 1
    (copy,) = (home.root / "outbox" / "rejected").iterdir()
    text = copy.read_text()
    assert text.startswith(",".join(names) + ",reason_code,reason\n")
    assert "not-a-day" in text
    restricted = [p.name for p in source_contracts()["quality/warranty_claims"].document.schema_[0].properties if p.classification]
    rows = pl.read_csv(copy, infer_schema=False)
    assert all(rows[name].to_list() == ["***"] for name in restricted)


def _bomb(path):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("xl/worksheets/sheet1.xml", b"0" * 64 * 1024**2)


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (lambda path: path.write_bytes(b"PK\x03\x04 no workbook"), "malformed_workbook"),
        (lambda path: path.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600), "malformed_workbook"),
        (lambda path: path.write_text("document_id,serial_number\n"), "malformed_workbook"),
        (_bomb, "too_large"),
        (lambda path: filled(path, header=["a", "b"]), "column_missing"),
    ],
    ids=["damaged", "protected", "csv", "bomb", "other columns"],
)  # fmt: skip
def test_what_is_no_workbook_of_this_kind_is_refused_whole(home, make, code):
    make(landed(home, "wms/receipts_1.xlsx"))
    row = taken(home).read("quarantine").row(0, named=True)
    assert row["reason_code"] == code
    assert row["reason"].endswith(".")
