"""Tabular: any CSV or Parquet file of movements, sales, shipments or readings, taken in by a mapping contract alone.

Applying a mapping to a file's columns belongs here; checking mappings (mappings.py) and opening files
(tabular_files.py) do not. Values are judged as in any other feed (conversion.py).
README.md, section "Bring your own files", shows a mapping.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import polars as pl

from pipelines.contracts import Column, Contract
from pipelines.sources.conversion import gathered, judged, with_verdict
from pipelines.sources.extracted import Extracted, quarantined
from pipelines.sources.mappings import measures_of, sources_of, target_of
from pipelines.sources.tabular_files import RefusedFile, TabularFile, evaluated, opened_csv, opened_parquet
from pipelines.sources.values import as_text, blank_to_null
from pipelines.sources.verdicts import beginning, refusals, refused_file, restricted_columns

__all__ = ["read_tabular"]


def read_tabular(path: Path, mapping: Contract, contracts: Mapping[str, Contract]) -> Extracted:
    """Read a file by its mapping. Never raises for bad content; ContractError where the mapping itself cannot be used.

    `_line` is the row of a Parquet file, the line of a CSV file. records_in counts the file's rows. For readings with
    `measures` it counts readings instead: each one that is not null is a record, a row without any reading is none.
    """
    target, measures = target_of(mapping, contracts), measures_of(mapping)
    hidden = _hidden(mapping, target)
    try:
        needed = list(dict.fromkeys([*(name for c in mapping.columns for name in sources_of(c)), *measures]))
        file = opened_parquet(path, needed) if mapping.file_format == "parquet" else opened_csv(path, needed)
        mapped = _mapped(file, mapping)
        records = _readings(mapped, file, target, measures=measures) if measures else _rows(mapped, target)
    except RefusedFile as error:
        raw = (
            "(not shown, since it is binary or holds restricted columns)" if hidden or mapping.file_format == "parquet" else beginning(path)
        )
        return refused_file(path, code=error.code, reason=str(error), table=target.table, line=error.line, raw=raw)
    records_in = _reading_count(file, measures) if measures else file.frame.height
    accepted = records.filter(pl.col("_code").is_null()).select(*target.polars_schema, "_line")
    refused = _with_raw(records.filter(pl.col("_code").is_not_null()), file.frame, hidden)
    phrases = {("unknown_code", column.name): _code_phrase(column, mapping) for column in mapping.columns if column.codes}
    rows = pl.concat([refusals(refused, target, phrases=phrases), quarantined(_unfit(file, target, hidden))])
    return Extracted({target.table: accepted}, rows.sort("line", maintain_order=True), records_in + len(file.unfit))


def _mapped(file: TabularFile, mapping: Contract) -> pl.DataFrame:
    """Our columns from the file's, not yet typed, with `_line`.

    `_unknown_<column>` holds a code that the mapping lacks.
    """
    series = [file.frame["_line"]]
    for column in mapping.columns:
        values = evaluated(file, column) if column.expression else file.frame[column.source_name or column.name]
        values = blank_to_null(values).alias(column.name)
        if column.codes:
            given = as_text(values)
            values = given.replace_strict(column.codes, default=None, return_dtype=pl.String)
            unknown = given.zip_with(values.is_null(), pl.Series([None], dtype=pl.String).new_from_index(0, given.len()))
            series.append(unknown.alias(f"_unknown_{column.name}"))
        series.append(values.alias(column.name))
    return pl.DataFrame(series)


def _rows(mapped: pl.DataFrame, target: Contract) -> pl.DataFrame:
    """One record per row of the file, typed and judged."""
    return _with_unknown_codes(judged(mapped, target.columns)).with_columns(
        _fault_line=pl.col("_line"), _fault_segment=pl.lit(None, dtype=pl.String)
    )


def _readings(mapped: pl.DataFrame, file: TabularFile, target: Contract, *, measures: Sequence[str]) -> pl.DataFrame:
    """One record per row of the file and measure that is not null, typed and judged."""
    own = ("measure", "reading")
    nowhere = {"_segment": pl.lit(None, dtype=pl.String), "_idoc": pl.lit(None, dtype=pl.Int64)}
    unit = _with_unknown_codes(judged(mapped, [c for c in target.columns if c.name not in own])).with_columns(**nowhere)
    parts = []
    for measure in measures:
        values = file.frame[measure]
        rows = values.is_not_null().arg_true()
        reading = pl.DataFrame([values.gather(rows).alias("reading"), unit["_line"].gather(rows)]).with_columns(measure=pl.lit(measure))
        part = judged(reading, [c for c in target.columns if c.name in own]).with_columns(**nowhere)
        levels = {"unit": (unit, rows), "reading": (part, pl.int_range(part.height, eager=True))}
        parts.append(gathered(levels, list(target.polars_schema)))
    return pl.concat(parts)


def _reading_count(file: TabularFile, measures: Sequence[str]) -> int:
    return sum(file.frame.height - file.frame[measure].null_count() for measure in measures)


def _with_unknown_codes(records: pl.DataFrame) -> pl.DataFrame:
    for name in [name for name in records.columns if name.startswith("_unknown_")]:
        mask = pl.col(name).is_not_null()
        records = with_verdict(records, mask, code="unknown_code", field=name.removeprefix("_unknown_"), value=pl.col(name)).drop(name)
    return records


def _code_phrase(column: Column, mapping: Contract) -> str:
    known = ", ".join(sorted(column.codes or {}))
    lacks = f"a code that the mapping contract {mapping.path.name} lacks, which knows {known}"
    return f"{lacks}; add it there under codes, or correct the code, and deliver these records in a new file."


def _hidden(mapping: Contract, target: Contract) -> frozenset[str]:
    """Columns of the file that fill restricted columns of ours."""
    restricted = restricted_columns(target) | restricted_columns(mapping)
    return frozenset(name for column in mapping.columns if column.name in restricted for name in sources_of(column))


def _unfit(file: TabularFile, target: Contract, hidden: frozenset[str]) -> list[dict]:
    # In a line that does not fit the header, a restricted value may stand anywhere.
    return [
        {
            "table_name": target.table,
            "reason_code": code,
            "reason": reason,
            "line": line,
            "raw_record": "***" if hidden else text,
        }
        for line, text, code, reason in file.unfit
    ]


def _with_raw(refused: pl.DataFrame, frame: pl.DataFrame, hidden: frozenset[str]) -> pl.DataFrame:
    """Refused records with the file's row as a JSON object of texts, restricted values as ***."""
    rows = frame.filter(pl.col("_line").is_in(refused["_line"].unique().implode()))
    names = [name for name in frame.columns if name != "_line"]
    shown = [as_text(rows[name]).alias(name) for name in names]
    texts = pl.DataFrame(shown).with_columns(pl.when(pl.col(n).is_not_null()).then(pl.lit("***")).alias(n) for n in names if n in hidden)
    raw = (
        texts.select(rows["_line"], raw_record=pl.struct(names).struct.json_encode())
        if names
        else rows.select("_line", raw_record=pl.lit("{}"))
    )
    return refused.join(raw, on="_line", how="left", maintain_order="left")
