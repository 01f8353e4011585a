"""Table rows: the rows of a table extract become records of its contract, judged, and marked with what they change.

Finding columns by name, the marks of delta loads and the columns that a record must have belong here. Opening files does not
(csv_files.py, parquet_files.py), nor do forms of values (formats.py). SAP_TABLES.md, section "Full and delta loads", has the marks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from pipelines.contracts import Contract
from pipelines.sources.conversion import judged, with_verdict
from pipelines.sources.extract_settings import ExtractSettings
from pipelines.sources.formats import MISFIT, plain_forms, readable_or_blank
from pipelines.sources.values import as_text

__all__ = ["judged_rows", "must_have", "named", "phrases", "wanted"]

_ODP, _COUNTER = "odq_changemode", "odq_entitycntr"
_BW = ("rocancel", "recordmode", "0recordmode")
_MARK = "change_mode"
"""Our own mark, of a contract that has one: F full load, D deleted, X as it was before, blank the newest of its key."""


def named(header: Sequence[str], contract: Contract, settings: ExtractSettings) -> list[str]:
    """Our names of a file's columns, lower case, as the settings map them; a name that nobody maps is the file's own."""
    renamed = settings.columns.get(contract.name, {})
    return [renamed.get(name.strip().lower(), name.strip().lower()) for name in header]


def wanted(contract: Contract, settings: ExtractSettings) -> list[str]:
    """Columns that are read where a file has them: the contract's, and the marks of changes."""
    marks = [_ODP, _COUNTER, *_BW, *([settings.change_column.lower()] if settings.change_column else [])]
    return list(dict.fromkeys([*(column.name for column in contract.columns), *marks]))


def must_have(contract: Contract, settings: ExtractSettings) -> list[str]:
    """Columns that a file cannot lack: those a record must have, and the mark that the settings name, in a delta load."""
    needed = [column.name for column in contract.columns if column.required or column.name in contract.needed]
    marked = settings.change_column and not settings.is_full(contract.name)
    return [*needed, *([settings.change_column.lower()] if marked else [])]


def judged_rows(frame: pl.DataFrame, contract: Contract, settings: ExtractSettings) -> pl.DataFrame:
    """The contract's columns typed, a verdict per row, and `_line`. A row that deletes, or tells what was, needs only its key."""
    frame = plain_forms(frame, contract.columns, settings)
    if _MARK in contract.polars_schema:
        frame = frame.with_columns(_marked(frame, contract, settings))
    if settings.unreadable == "blank":
        optional = [c for c in contract.columns if not c.required and c.name not in {*contract.needed, *contract.key}]
        frame = readable_or_blank(frame, optional)
    rows = judged(frame, contract.columns)
    if rows["_value"].null_count() < rows.height:
        rows = rows.with_columns(pl.col("_value").str.strip_suffix(MISFIT))
    is_whole = ~pl.col(_MARK).is_in(["D", "X"]).fill_null(value=False)
    # Looking for blanks first spares small files, of which there are hundreds, a step for each needed column.
    for name in reversed([c.name for c in contract.columns if c.name in contract.needed and rows[c.name].null_count()]):
        rows = with_verdict(rows, is_whole & pl.col("_code").is_null() & pl.col(name).is_null(), code="required_missing", field=name)
    return rows


def phrases(contract: Contract, settings: ExtractSettings) -> Mapping[tuple[str, str], str]:
    """Ends of sentences on values that do not have the form which the settings name."""
    told = {}
    for column in contract.columns:
        form, code = (settings.dates, "bad_date") if column.dtype == pl.Date else (settings.numbers, "bad_number")
        if form and settings.path and (column.dtype == pl.Date or column.dtype.is_numeric()):
            kind = "day" if code == "bad_date" else "number"
            told[code, column.name] = (
                f"which is no {kind} in the form {form} that {settings.path.name} names, or none that the column can hold; correct that "
                "file, or the value at the source, and deliver the record again."
            )
    return told


def _marked(frame: pl.DataFrame, contract: Contract, settings: ExtractSettings) -> pl.Series:
    """What each row says, by the first mark that the file has: the one that the settings name, ODP's, BW's, our own."""
    chosen = (settings.change_column or "").lower()
    present = [name for name in (chosen, _ODP, _COUNTER, *_BW, _MARK) if name in frame.columns]
    codes = frame.select("_line").with_columns(as_text(frame[name]).str.strip_chars().str.to_uppercase() for name in dict.fromkeys(present))
    mark = pl.lit(None, dtype=pl.String)
    if chosen in present:
        mark = _coded(chosen, {code.upper() for code in settings.deleted}, {code.upper() for code in settings.before})
    elif _ODP in present:
        mark = _coded(_ODP, {"D"}, set())
        if _COUNTER in present:
            was = (pl.col(_ODP) == "U") & (pl.col(_COUNTER).cast(pl.Float64, strict=False) < 0)
            mark = pl.when(was).then(pl.lit("X")).otherwise(mark)
    elif bw := [name for name in present if name in _BW]:
        # R takes a row back, as D does.
        mark = _coded(bw[0], {"D", "R"}, {"X"})
    elif _MARK in present:
        mark = pl.when(pl.col(_MARK) != "").then(_MARK)
    if settings.is_full(contract.name):
        mark = pl.coalesce(mark, pl.lit("F"))
    return codes.with_columns(mark.alias(_MARK))[_MARK]


def _coded(column: str, deleted: set[str], before: set[str]) -> pl.Expr:
    code = pl.col(column)
    return pl.when(code.is_in(sorted(deleted))).then(pl.lit("D")).when(code.is_in(sorted(before))).then(pl.lit("X"))
