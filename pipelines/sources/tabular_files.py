"""Tabular files: the columns of a CSV or Parquet file that a mapping needs, and expressions over them.

Opening files and evaluating a mapping's SQL belong here; what becomes of the columns does not (tabular.py).
In a CSV file every value is a text; an expression sees a column of numbers as numbers where that is how it can be
evaluated.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import polars as pl

from pipelines.contracts import Column
from pipelines.sources.csv_files import missing_columns
from pipelines.sources.csv_records import CsvRecords, MalformedCsv
from pipelines.sources.texts import NotUtf8
from pipelines.sources.values import blank_to_null

__all__ = ["RefusedFile", "TabularFile", "evaluated", "opened_csv", "opened_parquet"]

_INTEGER, _DECIMAL = r"^-?(0|[1-9]\d{0,17})$", r"^-?\d+(\.\d+)?([eE][+-]?\d{1,3})?$"
_MOST_CASTS = 6
_MANY_VALUES, _MOST_PER_BYTE = 50_000_000, 200
"""Parquet packs equal values to nearly nothing: more values than the first in a file with more than the second per byte are a bomb."""


class RefusedFile(Exception):
    """The file cannot be taken at all: reason code, sentence, and the line at fault from 1, where known."""

    def __init__(self, code: str, reason: str, line: int | None = None) -> None:
        """Keep them."""
        super().__init__(reason)
        self.code, self.line = code, line


@dataclass(frozen=True)
class TabularFile:
    """The needed columns of a file with `_line`; the lines that fit no header: line, text, reason code and sentence."""

    frame: pl.DataFrame
    unfit: tuple[tuple[int, str, str, str], ...] = ()
    is_text: bool = False


def opened_parquet(path: Path, needed: Sequence[str]) -> TabularFile:
    """The needed columns; `_line` is the row from 1. Raises RefusedFile."""
    try:
        schema = pl.read_parquet_schema(path)
        _check_present(needed, list(schema))
        _check_unpacked_size(path, len(needed))
        frame = pl.read_parquet(path, columns=list(needed) or None, hive_partitioning=False, glob=False)
    # Some damaged pages make Polars panic, which is no PolarsError; it goes on working afterwards.
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        reason = f"The file is no Parquet file that can be read ({str(error).splitlines()[0]})"
        raise RefusedFile("malformed_parquet", f"{reason}; write it again and deliver it complete.") from error
    for name in needed:
        dtype = frame.schema[name]
        if dtype.is_nested() or dtype in (pl.Binary, pl.Duration, pl.Object):
            reason = f"Column {name} is of type {dtype}, which is no text, number, date or time"
            raise RefusedFile("unsupported_type", f"{reason}; write it as one of them and deliver the file again.")
    as_texts = [pl.col(name).cast(pl.String) for name in needed if frame.schema[name] in (pl.Null, pl.Time)]
    frame = frame.with_columns(as_texts)
    plain = [blank_to_null(frame[name]) for name in needed]
    return TabularFile(frame.with_columns(plain, _line=pl.int_range(1, pl.len() + 1, dtype=pl.Int64)))


def _check_unpacked_size(path: Path, columns: int) -> None:
    values = columns * pl.scan_parquet(path, hive_partitioning=False, glob=False).select(pl.len()).collect().item()
    if values > _MANY_VALUES and values > _MOST_PER_BYTE * path.stat().st_size:
        reason = f"The file would unpack to {values:,} values, more than {_MOST_PER_BYTE} for each of its bytes, so it was not unpacked"
        raise RefusedFile("too_large", f"{reason}; deliver it in files of at most {_MANY_VALUES // columns:,} rows.")


def opened_csv(path: Path, needed: Sequence[str]) -> TabularFile:
    """The needed columns as texts, blank ones null; `_line` is the line from 1. Raises RefusedFile."""
    try:
        source = CsvRecords(path.read_bytes(), expected=needed)
        _check_present(needed, source.header)
        if twice := sorted({name for name in needed if source.header.count(name) > 1}):
            reason = f"The header names {', '.join(twice)} twice, so the values are ambiguous; keep one column of each name."
            raise RefusedFile("column_duplicate", reason, 1)
        positions = {name: source.header.index(name) for name in needed}
        frames, unfit = [source.frame([], positions)], []
        for chunk in source.chunks():
            problems = [source.problem(record) for record in chunk]
            frames.append(source.frame([record for record, problem in zip(chunk, problems, strict=True) if not problem], positions))
            unfit += [(record.line, source.text(record), *problem) for record, problem in zip(chunk, problems, strict=True) if problem]
    except NotUtf8 as error:
        raise RefusedFile("wrong_encoding", str(error), error.line) from error
    except MalformedCsv as error:
        raise RefusedFile("malformed_csv", str(error), error.line) from error
    frame = pl.concat(frames)
    return TabularFile(frame.with_columns(blank_to_null(frame[name]) for name in needed), tuple(unfit), is_text=True)


def evaluated(file: TabularFile, column: Column) -> pl.Series:
    """Values of a mapping's expression over the file's columns. Raises RefusedFile where it fails on them."""
    if not file.frame.height:
        return pl.Series(column.name, [], dtype=pl.String)
    expression = pl.sql_expr(column.expression or "").alias(column.name)
    roots = sorted(set(expression.meta.root_names()))
    casts = _number_casts(file.frame, roots) if file.is_text else {}
    problem = ""
    for kept in range(len(casts) + 1):
        for texts in combinations(sorted(casts), kept):
            numbers = [cast for name, cast in casts.items() if name not in texts]
            try:
                return file.frame.with_columns(numbers).with_columns(expression)[column.name]
            except pl.exceptions.PolarsError as error:
                problem = problem or _without_values(str(error))
    failed = f"The transformLogic of {column.name} ({column.expression}) fails on the file's values ({problem})"
    remedy = "correct it in the mapping contract, for example with try_cast, and deliver the file again."
    raise RefusedFile("expression_failed", f"{failed}; {remedy}")


def _number_casts(frame: pl.DataFrame, names: Sequence[str]) -> dict[str, pl.Expr]:
    """Casts of the text columns that hold nothing but numbers; codes with leading zeros are none."""
    casts: dict[str, pl.Expr] = {}
    for name in names[:_MOST_CASTS]:
        text = frame[name].drop_nulls()
        if text.len() and text.str.contains(_INTEGER).all():
            casts[name] = pl.col(name).cast(pl.Int64)
        elif text.len() and text.str.contains(_DECIMAL).all() and not text.str.contains(r"^-?0\d").any():
            casts[name] = pl.col(name).cast(pl.Float64)
    return casts


def _check_present(needed: Sequence[str], present: Sequence[str]) -> None:
    if missing := [name for name in needed if name not in present]:
        raise RefusedFile("column_missing", missing_columns(missing, present, needed), 1)


def _without_values(message: str) -> str:
    """The first line of an error without the values that it quotes, which may be personal."""
    return re.sub(r":? ?\[.*", "", message.splitlines()[0])
