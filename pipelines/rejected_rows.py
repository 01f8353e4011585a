"""Rejected rows: what could not be taken of a CSV file or workbook, as a copy that its sender can correct and deliver again.

Writing these copies belongs here; why a row was refused is told by its reader. A copy has the columns of the delivered file
and two more, which are ignored when it comes back. See pipelines/sources/SPREADSHEETS.md.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path

import polars as pl
import xlsxwriter

from pipelines.contracts import Contract
from pipelines.landing import DeliveredFile
from pipelines.sources.csv_files import opened_records
from pipelines.sources.patterns import matches
from pipelines.sources.verdicts import restricted_columns
from pipelines.sources.workbooks import DATA_SHEET, is_workbook

__all__ = ["write_rejected_rows"]

_BESIDE = ("reason_code", "reason")
_MOST_BYTES = 64 * 1024**2
"""Larger files come from systems, whose quarantine is read in the table."""


def write_rejected_rows(
    folder: Path, refused: pl.DataFrame, delivered: Mapping[str, DeliveredFile], contracts: Mapping[str, Contract]
) -> int:
    """Write one copy per load that has refused rows, named after the load. Returns files written.

    `refused` holds quarantine rows with `_load_id`, `delivered` the file of a load. A load that has its copy keeps it. Values of
    restricted columns are replaced by ***.
    """
    written = 0
    rows = refused.filter(pl.col("line").is_not_null() & pl.col("table_name").is_not_null())
    for (load_id, table), of_load in rows.sort("_load_id", "line", maintain_order=True).group_by(
        "_load_id", "table_name", maintain_order=True
    ):
        file, contract = delivered.get(str(load_id)), contracts.get(str(table))
        if file is None or contract is None or not _is_ours(file, contract):
            continue
        target = folder / f"{load_id}{file.path.suffix.lower()}"
        if not target.exists():
            folder.mkdir(parents=True, exist_ok=True)
            _write(target, list(_lines(file.path, contract, of_load)))
            written += 1
    return written


def _is_ours(file: DeliveredFile, contract: Contract) -> bool:
    """Whether a file has the columns of its contract: those of a mapped one, and which of them are restricted, are the mapping's."""
    name = f"{file.name[:-5]}.csv" if is_workbook(file.name) else file.name
    is_claimed = contract.custom("reader") in ("csv", "tabular") and any(matches(name, pattern) for pattern, _ in contract.landing_patterns)
    return is_claimed and file.path.exists() and file.size <= _MOST_BYTES


def _lines(path: Path, contract: Contract, refused: pl.DataFrame) -> Iterator[list[str]]:
    """Header and refused rows, with code and reason at the end."""
    source = opened_records(path, contract)
    reasons = {line: (code, reason) for line, code, reason in refused.select("line", *_BESIDE).iter_rows()}
    kept = [at for at, name in enumerate(source.header) if name.lower() not in _BESIDE]
    hidden = {at for at, name in enumerate(source.header) if name.lower() in restricted_columns(contract)}
    yield [*(source.header[at] for at in kept), *_BESIDE]
    for chunk in source.chunks():
        for record in chunk:
            if record.line in reasons:
                yield [*(_shown(record.values, at, hidden) for at in kept), *reasons[record.line]]


def _shown(values: Sequence[str], at: int, hidden: set[int]) -> str:
    value = values[at] if at < len(values) else ""
    return "***" if at in hidden and value.strip() else value


def _write(target: Path, lines: Sequence[Sequence[str]]) -> None:
    part = target.with_name(f"{target.name}.part")
    if is_workbook(target):
        with xlsxwriter.Workbook(str(part), {"strings_to_formulas": False, "strings_to_urls": False}) as book:
            book.set_properties({"created": datetime(2026, 1, 1)})
            sheet, text = book.add_worksheet(DATA_SHEET), book.add_format({"num_format": "@"})
            for row, line in enumerate(lines):
                for at, value in enumerate(line):
                    sheet.write_string(row, at, value, text)
    else:
        with part.open("w", encoding="utf-8", newline="") as stream:
            csv.writer(stream, lineterminator="\n").writerows(lines)
    os.replace(part, target)  # noqa: PTH105 - one step, so that nobody sees half a file
