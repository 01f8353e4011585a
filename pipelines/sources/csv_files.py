"""CSV files and workbooks: records of a file with a header become records of a contract.

Matching the header with the contract belongs here, by name in any case and order; following quotes and separators does
not (csv_records.py). The columns are those of the contract that claims the file, for example
data_contracts/sources/wms/receipts.odcs.yaml.
"""

from __future__ import annotations

import csv
import difflib
from collections.abc import Mapping, Sequence
from io import StringIO
from pathlib import Path

import polars as pl

from pipelines.contracts import Contract
from pipelines.sources.conversion import judged
from pipelines.sources.csv_records import CsvRecords, MalformedCsv, Record
from pipelines.sources.extract_settings import ExtractSettings
from pipelines.sources.extracted import QUARANTINE_SCHEMA, Extracted, quarantined
from pipelines.sources.table_rows import judged_rows, must_have, named, phrases, wanted
from pipelines.sources.texts import NotUtf8
from pipelines.sources.verdicts import refusals, refused_file, restricted_columns
from pipelines.sources.workbooks import UnreadableWorkbook, csv_of_workbook, is_workbook

__all__ = ["missing_columns", "opened_records", "read_csv_file"]

_NONE_REFUSED = pl.DataFrame(schema=QUARANTINE_SCHEMA)
_SHOWN_COLUMNS = 200
"""Columns of a file that a sentence lists."""


def read_csv_file(path: Path, contract: Contract, settings: ExtractSettings | None = None) -> Extracted:
    """Read a CSV file; a file with a header alone has no records. Never raises for bad content.

    `settings` tell how a table extract is written; without them the file has the plain forms.
    """
    raw = "(not shown, since the table holds restricted columns)" if restricted_columns(contract) else None
    refused = {"table": contract.table, "raw": raw}
    try:
        source = opened_records(path, contract, settings)
        names = named(source.header, contract, settings) if settings else [name.lower() for name in source.header]
        if problem := _header_problem(source.header, names, contract, settings):
            code, reason = problem
            return refused_file(path, code=code, reason=reason, line=1, **refused)
        positions = {name: at for at, name in enumerate(names)}
        parts = [_judged_chunk(source, chunk, contract, positions, settings) for chunk in source.chunks()]
    except NotUtf8 as error:
        return refused_file(path, code="wrong_encoding", reason=str(error), line=error.line, **refused)
    except MalformedCsv as error:
        return refused_file(path, code="malformed_csv", reason=str(error), line=error.line, **refused)
    except UnreadableWorkbook as error:
        return refused_file(path, code=error.code, reason=str(error), table=contract.table, raw="(not shown, since it is binary)")
    empty = pl.DataFrame(schema={**contract.polars_schema, "_line": pl.Int64})
    accepted = pl.concat([empty, *(frame for frame, _, _ in parts)])
    rows = pl.concat([quarantined([]), *(rows for _, rows, _ in parts)])
    return Extracted({contract.table: accepted}, rows, records_in=sum(count for _, _, count in parts))


def missing_columns(missing: Sequence[str], present: Sequence[str], known: Sequence[str]) -> str:
    """One sentence on columns that a file lacks, with those it has that may be them under another name."""
    lower = {name.lower(): name for name in present if name.lower() not in {n.lower() for n in known}}
    close = {name: difflib.get_close_matches(name.lower(), lower, n=3, cutoff=0.5) for name in missing}
    hints = [f"{name} may have been renamed to {' or '.join(map(lower.get, found))}" for name, found in close.items() if found]
    more = f" and {len(present) - _SHOWN_COLUMNS:,} more" if len(present) > _SHOWN_COLUMNS else ""
    has = f"It has {', '.join(present[:_SHOWN_COLUMNS])}{more}" if present else "It has no columns"
    hint = f" ({'; '.join(hints)})" if hints else ""
    lacks = f"The file lacks the required column{'s' * (len(missing) > 1)} {', '.join(missing)}{hint}"
    return f"{lacks}: deliver it with the names of the contract. {has}."


def opened_records(path: Path, contract: Contract, settings: ExtractSettings | None = None) -> CsvRecords:
    """The records of a CSV file, or of a workbook's sheet. Raises NotUtf8, MalformedCsv, UnreadableWorkbook."""
    expected = [column.name for column in contract.columns]
    if is_workbook(path):
        return CsvRecords(csv_of_workbook(path), expected=expected, separator=",")
    if settings is None:
        return CsvRecords(path.read_bytes(), expected=expected)
    expected += settings.columns.get(contract.name, {})
    return CsvRecords(path.read_bytes(), expected=expected, separator=settings.separator, encoding=settings.encoding)


def _header_problem(
    header: Sequence[str], names: Sequence[str], contract: Contract, settings: ExtractSettings | None
) -> tuple[str, str] | None:
    """Reason code and sentence for a header that cannot be used; None where it can. `names` are our names of its columns."""
    known = [column.name for column in contract.columns]
    if twice := [name for name in (wanted(contract, settings) if settings else known) if names.count(name.lower()) > 1]:
        reason = f"The header in line 1 names {', '.join(twice)} twice, so the values are ambiguous"
        return "column_duplicate", f"{reason}; keep one column of each name and deliver the file again."
    needed = must_have(contract, settings) if settings else [column.name for column in contract.columns if column.required]
    missing = [name for name in needed if name.lower() not in names]
    return ("column_missing", missing_columns(missing, header, known)) if missing else None


def _judged_chunk(
    source: CsvRecords, chunk: Sequence[Record], contract: Contract, positions: Mapping[str, int], settings: ExtractSettings | None
) -> tuple[pl.DataFrame, pl.DataFrame, int]:
    """Accepted records, quarantine rows, and the number of records that came in."""
    problems = [source.problem(record) for record in chunk]
    fitting = [record for record, problem in zip(chunk, problems, strict=True) if not problem]
    known = wanted(contract, settings) if settings else [column.name for column in contract.columns]
    frame = source.frame(fitting, {name: positions[name.lower()] for name in known if name.lower() in positions})
    hidden = [positions[name] for name in restricted_columns(contract) if name in positions]
    result = judged_rows(frame, contract, settings) if settings else judged(frame, contract.columns)
    if result["_code"].null_count() == len(chunk):
        # Most files have no fault, and wording none costs as much as reading a small file.
        return result.select(*contract.polars_schema, "_line"), _NONE_REFUSED, len(chunk)
    refused = result.filter(pl.col("_code").is_not_null())
    by_line = {record.line: record for record in fitting} if refused.height else {}
    raw = [_shown(source, by_line[line], hidden) for line in refused["_line"]]
    refused = refused.with_columns(
        _fault_line=pl.col("_line"),
        _fault_segment=pl.lit(None, dtype=pl.String),
        raw_record=pl.Series(raw, dtype=pl.String),
    )
    ragged = [_unfit(source, record, problem, contract, hidden) for record, problem in zip(chunk, problems, strict=True) if problem]
    told = phrases(contract, settings) if settings else None
    rows = pl.concat([refusals(refused, contract, phrases=told), quarantined(ragged)]).sort("line", maintain_order=True)
    return result.filter(pl.col("_code").is_null()).select(*contract.polars_schema, "_line"), rows, len(chunk)


def _unfit(source: CsvRecords, record: Record, problem: tuple[str, str], contract: Contract, hidden: Sequence[int]) -> dict:
    code, reason = problem
    # In a line that does not fit the header, a restricted value may stand anywhere.
    raw = source.text(record) if not hidden else "***"
    return {"table_name": contract.table, "reason_code": code, "reason": reason, "line": record.line, "raw_record": raw}


def _shown(source: CsvRecords, record: Record, hidden: Sequence[int]) -> str:
    """The record as delivered; with restricted values, written anew with *** in their place."""
    if not any(record.values[at].strip() for at in hidden):
        return source.text(record)
    text = StringIO()
    values = ["***" if at in hidden and value.strip() else value for at, value in enumerate(record.values)]
    csv.writer(text, delimiter=source.separator, lineterminator="").writerow(values)
    return text.getvalue()
