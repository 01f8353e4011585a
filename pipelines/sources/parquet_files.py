"""Parquet files: rows of a file become records of the contract of a table.

Matching columns by name in any case belongs here; what a row says and whether it can be taken does not (table_rows.py).
The columns are those of the contract that claims the file, for example data_contracts/sources/sap/mseg.odcs.yaml.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from pipelines.contracts import Contract
from pipelines.sources.csv_files import missing_columns
from pipelines.sources.extract_settings import ExtractSettings
from pipelines.sources.extracted import Extracted
from pipelines.sources.table_rows import judged_rows, must_have, named, phrases, wanted
from pipelines.sources.tabular_files import RefusedFile, opened_parquet
from pipelines.sources.values import as_text
from pipelines.sources.verdicts import refusals, refused_file, restricted_columns

__all__ = ["read_parquet_file"]

_BINARY = "(not shown, since it is binary)"


def read_parquet_file(path: Path, contract: Contract, settings: ExtractSettings) -> Extracted:
    """Read a Parquet file; `_line` is the row from 1. Never raises for bad content; OSError where the file vanished."""
    try:
        frame = _opened(path, contract, settings)
    except RefusedFile as error:
        return refused_file(path, code=error.code, reason=str(error), table=contract.table, line=error.line, raw=_BINARY)
    rows = judged_rows(frame, contract, settings)
    accepted = rows.filter(pl.col("_code").is_null()).select(*contract.polars_schema, "_line")
    refused = rows.filter(pl.col("_code").is_not_null())
    shown = refused.select("_code", "_field", "_value", "_line", _fault_line="_line", _fault_segment=pl.lit(None, dtype=pl.String))
    raw = _raw(frame.filter(pl.col("_line").is_in(refused["_line"].implode())), contract)
    quarantined = refusals(shown.with_columns(raw_record=raw), contract, phrases=phrases(contract, settings))
    return Extracted({contract.table: accepted}, quarantined, frame.height)


def _opened(path: Path, contract: Contract, settings: ExtractSettings) -> pl.DataFrame:
    """The columns that are wanted, under our names, and `_line`. Raises RefusedFile."""
    try:
        header = list(pl.read_parquet_schema(path))
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException):
        # Opening it says what is wrong.
        header = []
    ours = named(header, contract, settings)
    theirs = {name: header[at] for at, name in enumerate(ours) if name in wanted(contract, settings)}
    frame = opened_parquet(path, list(theirs.values())).frame
    _check(header, ours, contract, settings)
    return frame.rename({old: new for new, old in theirs.items() if old != new})


def _check(header: Sequence[str], ours: Sequence[str], contract: Contract, settings: ExtractSettings) -> None:
    if twice := sorted({name for name in wanted(contract, settings) if ours.count(name) > 1}):
        reason = f"The file has {', '.join(twice)} twice, so the values are ambiguous; keep one column of each name."
        raise RefusedFile("column_duplicate", reason)
    if missing := [name for name in must_have(contract, settings) if name not in ours]:
        raise RefusedFile("column_missing", missing_columns(missing, header, [column.name for column in contract.columns]))


def _raw(frame: pl.DataFrame, contract: Contract) -> pl.Series:
    """Rows as JSON objects of texts, restricted values as ***."""
    names = [name for name in frame.columns if name != "_line"]
    hidden = restricted_columns(contract)
    texts = pl.DataFrame([as_text(frame[name]).alias(name) for name in names])
    masked = [pl.when(pl.col(name).is_not_null()).then(pl.lit("***")).alias(name) for name in names if name in hidden]
    return texts.with_columns(masked).select(pl.struct(names).struct.json_encode()).to_series()
