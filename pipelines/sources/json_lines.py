"""JSON lines: one object per line becomes one record.

Splitting and decoding lines belongs here; typing does not (conversion.py). Keys are matched exactly, unknown ones are
ignored. The columns are those of the contract that claims the file, for example
data_contracts/sources/handheld/scans.odcs.yaml.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import polars as pl

from pipelines.contracts import Contract
from pipelines.sources.conversion import judged
from pipelines.sources.extracted import RAW_RECORD_LIMIT, Extracted, quarantined
from pipelines.sources.texts import NotUtf8, decoded, is_whole
from pipelines.sources.verdicts import refusals, refused_file, restricted_columns

__all__ = ["read_json_lines"]


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON value")


# Numbers stay the text they were written as, so that no decimal is lost on the way to the contract's type.
_DECODER = json.JSONDecoder(parse_float=str, parse_int=str, parse_constant=_no_constant)
_SCAN = _DECODER.scan_once
_CHUNK = 20_000
"""Lines that are held as Python objects at a time."""
LONGEST_LINE = 1_000_000
"""Characters of a record: one that is longer is no scan, and as objects would take twenty times its size in memory."""


def read_json_lines(path: Path, contract: Contract) -> Extracted:
    """Read a file of JSON objects, one per line; blank lines do not count. Never raises for bad content."""
    try:
        text = decoded(path.read_bytes())
    except NotUtf8 as error:
        return refused_file(path, code="wrong_encoding", reason=str(error), table=contract.table, line=error.line)
    lines = text.split("\n")
    names = [column.name for column in contract.columns]
    frames, bad, records_in = [_frame([], names)], [], 0
    for start in range(0, len(lines), _CHUNK):
        chunk = [(number, stripped) for number, line in enumerate(lines[start : start + _CHUNK], start + 1) if (stripped := line.strip())]
        found = [_object(line, names) if len(line) <= LONGEST_LINE else _too_long(line) for _, line in chunk]
        frames.append(_frame([(number, values) for (number, _), values in zip(chunk, found, strict=True) if type(values) is dict], names))
        bad += [(number, problem) for (number, _), problem in zip(chunk, found, strict=True) if type(problem) is str]
        records_in += len(chunk)
    result = judged(pl.concat(frames), contract.columns)
    accepted = result.filter(pl.col("_code").is_null()).select(*contract.polars_schema, "_line")
    refused = _with_raw(result.filter(pl.col("_code").is_not_null()), lines, contract)
    unread = quarantined([_bad_line(contract, number, lines[number - 1], problem=problem) for number, problem in bad])
    rows = pl.concat([refusals(refused, contract), unread]).sort("line", maintain_order=True)
    return Extracted({contract.table: accepted}, rows, records_in)


def _object(line: str, names: list[str]) -> dict[str, str | None] | str:
    """The object, whose values under `names` are texts, or what is wrong with the line."""
    try:
        found, end = _SCAN(line, 0)
    except (ValueError, RecursionError) as error:
        return f"is no JSON ({error})"
    except StopIteration:
        return "is no JSON"
    if end != len(line):
        return f"is no JSON (more follows after column {end})"
    if type(found) is not dict:
        return "is JSON, but no object"
    # What is no text can only stand in a line with one of these; a look at the line is quicker than one at each value.
    if "true" in line or "false" in line or "[" in line or line.count("{") > 1:
        return _plain(found, names)
    return "holds half of a character (a lone surrogate)" if "\\u" in line and not is_whole(found.get(name) for name in names) else found


def _too_long(line: str) -> str:
    return f"has {len(line):,} characters, more than the {LONGEST_LINE:,} of the longest record"


def _plain(found: dict[str, Any], names: list[str]) -> dict[str, str | None] | str:
    """The object with its booleans as texts, or what is wrong with it."""
    plain = {name: str(value).lower() if type(value) is bool else value for name in names if (value := found.get(name)) is not None}
    nested = [name for name, value in plain.items() if type(value) is not str]
    if nested:
        return f"holds a list or an object as {nested[0]}"
    return plain if is_whole(plain.values()) else "holds half of a character (a lone surrogate)"


def _frame(records: list[tuple[int, dict[str, str | None]]], names: list[str]) -> pl.DataFrame:
    texts = pl.DataFrame([values for _, values in records], schema=dict.fromkeys(names, pl.String))
    return texts.with_columns(_line=pl.Series([number for number, _ in records], dtype=pl.Int64))


def _bad_line(contract: Contract, number: int, line: str, *, problem: str) -> dict:
    return {
        "table_name": contract.table,
        "reason_code": "bad_json",
        "reason": f"Line {number} {problem}; write one JSON object per line and deliver the record again.",
        "line": number,
        "raw_record": _masked(line, contract),
    }


def _masked(line: str, contract: Contract) -> str:
    """The line as delivered, as far as it is kept, without the content of restricted fields."""
    line = line[:RAW_RECORD_LIMIT]
    for name in restricted_columns(contract):
        line = re.sub(rf'("{name}"\s*:\s*)("(?:[^"\\]|\\.)*"?|[^,}}\s]+)', r'\1"***"', line)
    return line.rstrip("\r")


def _with_raw(refused: pl.DataFrame, lines: list[str], contract: Contract) -> pl.DataFrame:
    raw = [_masked(lines[number - 1], contract) for number in refused["_line"]]
    return refused.with_columns(
        _fault_line=pl.col("_line"),
        _fault_segment=pl.lit(None, dtype=pl.String),
        raw_record=pl.Series(raw, dtype=pl.String),
    )
