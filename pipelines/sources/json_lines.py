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
from pipelines.sources.extracted import Extracted, quarantined
from pipelines.sources.texts import NotUtf8, decoded
from pipelines.sources.verdicts import refusals, refused_file, restricted_columns

__all__ = ["read_json_lines"]

_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON value")


# Numbers stay the text they were written as, so that no decimal is lost on the way to the contract's type.
_DECODER = json.JSONDecoder(parse_float=str, parse_int=str, parse_constant=_no_constant)


def read_json_lines(path: Path, contract: Contract) -> Extracted:
    """Read a file of JSON objects, one per line; blank lines do not count. Never raises for bad content."""
    try:
        text = decoded(path.read_bytes())
    except NotUtf8 as error:
        return refused_file(path, code="wrong_encoding", reason=str(error), table=contract.table, line=error.line)
    lines = [(number, line) for number, line in enumerate(text.split("\n"), 1) if line and not line.isspace()]
    names = [column.name for column in contract.columns]
    records, places, bad = [], [], []
    for number, line in lines:
        found = _object(line, names)
        if isinstance(found, str):
            bad.append(_bad_line(contract, number, line, problem=found))
        else:
            records.append(found)
            places.append(number)
    frame = _frame(records, names).with_columns(_line=pl.Series(places, dtype=pl.Int64))
    result = judged(frame, contract.columns)
    accepted = result.filter(pl.col("_code").is_null()).select(*contract.polars_schema, "_line")
    refused = _with_raw(result.filter(pl.col("_code").is_not_null()), dict(lines), contract)
    rows = pl.concat([refusals(refused, contract), quarantined(bad)]).sort("line", maintain_order=True)
    return Extracted({contract.table: accepted}, rows, records_in=len(lines))


def _object(line: str, names: list[str]) -> list[str | None] | str:
    """The object's values as texts in the order of `names`, or what is wrong with the line."""
    try:
        found = _DECODER.decode(line)
    except (ValueError, RecursionError) as error:
        return f"is no JSON ({error})"
    if type(found) is not dict:
        return "is JSON, but no object"
    values = [found.get(name) for name in names]
    for at, value in enumerate(values):
        if value is None or type(value) is str:
            continue
        if type(value) is not bool:
            return f"holds a list or an object as {names[at]}"
        values[at] = "true" if value else "false"
    if "\\u" in line and _SURROGATE.search(line) and not _is_text(values):
        return "holds half of a character (a lone surrogate)"
    return values


def _is_text(values: list[Any]) -> bool:
    try:
        "".join(value or "" for value in values).encode()
    except UnicodeEncodeError:
        return False
    return True


def _frame(records: list[list[str | None]], names: list[str]) -> pl.DataFrame:
    columns = list(zip(*records, strict=True)) or [()] * len(names)
    return pl.DataFrame([pl.Series(name, values, dtype=pl.String) for name, values in zip(names, columns, strict=True)])


def _bad_line(contract: Contract, number: int, line: str, *, problem: str) -> dict:
    return {
        "table_name": contract.table,
        "reason_code": "bad_json",
        "reason": f"Line {number} {problem}; write one JSON object per line and deliver the record again.",
        "line": number,
        "raw_record": _masked(line, contract),
    }


def _masked(line: str, contract: Contract) -> str:
    """The line as delivered, without the content of restricted fields."""
    for name in restricted_columns(contract):
        line = re.sub(rf'("{name}"\s*:\s*)("(?:[^"\\]|\\.)*"?|[^,}}\s]+)', r'\1"***"', line)
    return line.rstrip("\r")


def _with_raw(refused: pl.DataFrame, lines: dict[int, str], contract: Contract) -> pl.DataFrame:
    raw = [_masked(lines[number], contract) for number in refused["_line"]]
    return refused.with_columns(
        _fault_line=pl.col("_line"),
        _fault_segment=pl.lit(None, dtype=pl.String),
        raw_record=pl.Series(raw, dtype=pl.String),
    )
