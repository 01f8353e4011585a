"""Conversion: a frame of source values becomes the contract's columns, with one verdict per record.

Applying a contract to many records at once belongs here. How single values are read does not (values.py), nor how a
verdict is put into words (verdicts.py). Verdict codes are explained in README.md, section "When a record is refused".
"""

from __future__ import annotations

import math
import operator
from collections.abc import Mapping, Sequence
from functools import reduce

import polars as pl

from pipelines.contracts import Column
from pipelines.sources.values import SERIAL_COLUMNS, SERIAL_LENGTH, as_text, blank_to_null, typed, without_zero_dates

__all__ = ["VERDICT", "gathered", "judged", "with_verdict"]

VERDICT = {"_code": pl.String(), "_field": pl.String(), "_value": pl.String()}
"""Columns of a verdict: reason code, column at fault, its value; all null for a record that is fine."""


def judged(frame: pl.DataFrame, columns: Sequence[Column]) -> pl.DataFrame:
    """The columns typed, then VERDICT, then the frame's own columns that start with an underscore; same rows.

    A column that the frame lacks is null. The verdict names the first column, in their order, that is at fault.
    """
    result: dict[str, pl.Series] = {}
    faults: dict[str, tuple[str, pl.Series, pl.Series]] = {}
    texts, longest = _texts(frame, columns)
    for column in columns:
        if column.name in texts and longest[column.name] is None:
            source = None
        else:
            source = texts.get(column.name, frame.get_column(column.name, default=None))
        if source is None:
            present = value = _nulls(column.dtype, frame.height)
        elif column.name in texts and column.dtype == pl.String and longest[column.name] <= _length(column):
            present = value = source
        else:
            present, value = _read(source, column)
        result[column.name] = value.alias(column.name)
        if present is value and not (column.required and present.null_count()):
            continue
        bad = present.is_not_null() & value.is_null()
        if column.required:
            bad |= present.is_null()
        if bad.any():
            faults[column.name] = (_fault_code(column), bad, as_text(present))
    passed = [frame[name] for name in frame.columns if name.startswith("_") and name not in VERDICT]
    return pl.DataFrame([*result.values(), *_verdicts(faults, frame.height), *passed])


def with_verdict(frame: pl.DataFrame, mask: pl.Expr, *, code: str, field: str, value: pl.Expr | None = None) -> pl.DataFrame:
    """The frame with this verdict wherever the mask is true; it replaces what was there."""
    now = {
        "_code": pl.lit(code),
        "_field": pl.lit(field),
        "_value": pl.lit(None, dtype=pl.String) if value is None else value,
    }
    return frame.with_columns(pl.when(mask).then(new).otherwise(pl.col(name)).alias(name) for name, new in now.items())


Levels = Mapping[str, tuple[pl.DataFrame, pl.Series]]


def gathered(levels: Levels, columns: Sequence[str]) -> pl.DataFrame:
    """Records put together from levels (header, item, unit): those without a fault first.

    `levels` gives each level's judged rows and, for each record, the position of the row it takes.
    One row per record: `columns`; `_line` and `_idoc` of the last level that has a row; VERDICT, `_fault_line` and
    `_fault_segment` of the first level at fault; `_segments`, where there is a fault, those of all levels after the first.
    """
    codes = [frame["_code"].is_not_null().gather(rows.cast(pl.UInt32)).fill_null(value=False) for frame, rows in levels.values()]
    faulty = reduce(operator.or_, codes)
    fine = {name: (frame, rows.filter(~faulty)) for name, (frame, rows) in levels.items()}
    wrong = {name: (frame, rows.filter(faulty)) for name, (frame, rows) in levels.items()}
    names = list(levels)
    faults = [pl.when(pl.col(f"{name}/_code").is_not_null()).then(_fault(name)) for name in names]
    # A fault's place takes as long to tell as the record to put together, and few records have one.
    told = [pl.concat_list(f"{name}/_segment" for name in names[1:] or names).alias("_segments"), pl.coalesce(faults).alias("fault")]
    return pl.concat([_gathered(fine, columns, []), _gathered(wrong, columns, told).unnest("fault")], how="diagonal")


def _gathered(levels: Levels, columns: Sequence[str], told: Sequence[pl.Expr]) -> pl.DataFrame:
    """The records' columns, `_line` and `_idoc`, and what is `told` of the levels' columns, which are named `<level>/<column>`."""
    parts = []
    blank = {c: f.schema[c] for f, _ in levels.values() for c in columns if c in f.columns and f[c].null_count() == f.height}
    for name, (frame, rows) in levels.items():
        part = frame.drop(blank, strict=False).select(pl.all().gather(rows.cast(pl.UInt32)))
        parts.append(part.rename({column: f"{name}/{column}" for column in part.columns}))
    owner = {column: name for name, (frame, _) in levels.items() for column in frame.columns}
    height = parts[0].height
    return pl.concat(parts, how="horizontal").select(
        *(
            # Half of an item's columns are blank in a whole file.
            pl.repeat(None, height, dtype=blank[column]).alias(column)
            if column in blank
            else pl.col(f"{owner[column]}/{column}").alias(column)
            for column in columns
        ),
        *(pl.coalesce(f"{name}/{place}" for name in reversed(levels)).alias(place) for place in ("_line", "_idoc")),
        *told,
    )


def _fault(level: str) -> pl.Expr:
    place = [pl.col(f"{level}/{name}").alias(f"_fault{name}") for name in ("_line", "_segment")]
    return pl.struct(*(pl.col(f"{level}/{name}").alias(name) for name in VERDICT), *place)


def _texts(frame: pl.DataFrame, columns: Sequence[Column]) -> tuple[dict[str, pl.Series], dict[str, int | None]]:
    """Text columns without surrounding blanks, null where blank, and the longest length in each, None where all blank.

    Both are computed for all columns at once: a file of few records costs little more than its parsing.
    """
    names = [c.name for c in columns if c.name in frame.columns and frame[c.name].dtype == pl.String and c.dtype != pl.Boolean]
    if not names:
        return {}, {}
    stripped = [pl.col(name).str.strip_chars() for name in names]
    texts = frame.select(pl.when(text != "").then(text).alias(name) for name, text in zip(names, stripped, strict=True))
    longest = texts.select(pl.all().str.len_chars().max()).row(0, named=True)
    return {name: texts[name] for name in names}, longest


def _length(column: Column) -> float:
    """Characters that a text of the column may have as it stands."""
    if column.name in SERIAL_COLUMNS:
        return SERIAL_LENGTH
    return column.max_length or math.inf


def _nulls(dtype: pl.DataType, height: int) -> pl.Series:
    return pl.Series([None], dtype=dtype).new_from_index(0, height)


def _read(source: pl.Series, column: Column) -> tuple[pl.Series, pl.Series]:
    """What was delivered (null where blank), and the same in the column's type."""
    if column.dtype == pl.Boolean:
        return source, typed(source, column)
    present = blank_to_null(source)
    if column.dtype.is_temporal():
        present = without_zero_dates(present)
    return present, typed(present, column)


def _fault_code(column: Column) -> str:
    if column.dtype == pl.String:
        return "serial_too_long" if column.name in SERIAL_COLUMNS else "too_long"
    if column.dtype.is_temporal():
        return "bad_date"
    return "bad_boolean" if column.dtype == pl.Boolean else "bad_number"


def _verdicts(faults: dict[str, tuple[str, pl.Series, pl.Series]], height: int) -> list[pl.Series]:
    if not faults:
        return [_nulls(dtype, height).alias(name) for name, dtype in VERDICT.items()]
    frame = pl.DataFrame(
        {f"bad/{name}": bad for name, (_, bad, _) in faults.items()} | {f"text/{name}": text for name, (_, _, text) in faults.items()}
    )
    code, field, value = pl.lit(None, dtype=pl.String), pl.lit(None, dtype=pl.String), pl.lit(None, dtype=pl.String)
    for name, (fault, _, _) in reversed(faults.items()):
        bad, text = pl.col(f"bad/{name}"), pl.col(f"text/{name}")
        kind = pl.when(text.is_null()).then(pl.lit("required_missing")).otherwise(pl.lit(fault))
        code, field, value = (pl.when(bad).then(new).otherwise(old) for new, old in ((kind, code), (pl.lit(name), field), (text, value)))
    return frame.select(_code=code, _field=field, _value=value).get_columns()
