"""Shaping: brings a feed into the columns of its contract and names the file of each record.

The last step of every feed belongs here. What stands in the columns is decided in feeds_*.py; the contracts are in
data_contracts/sources.
"""

from __future__ import annotations

from datetime import date
from functools import cache

import numpy as np
import polars as pl

from pipelines.contracts import Contract, source_contracts
from pipelines.simulator.arrays import by_day

__all__ = ["conform", "constant", "contracts", "dated_files", "weekly_files"]


@cache
def contracts() -> dict[str, Contract]:
    """The inbound contracts, read once."""
    return source_contracts()


def conform(table: str, columns: dict[str, object], files: pl.Series) -> pl.DataFrame:
    """`_file` and exactly the contract's columns: those given are cast, a text or number alone fills its column, the
    rest is null.
    """
    schema = contracts()[table].polars_schema
    unknown = set(columns) - set(schema)
    if unknown:
        raise KeyError(f"{table}: not in the contract: {', '.join(sorted(unknown))}")
    height = len(files)
    repeated: dict[tuple[object, str], pl.Series] = {}
    filled = []
    for name, dtype in schema.items():
        value = columns.get(name)
        if value is None or isinstance(value, str):
            # Columns of one value share one buffer: half of a movement's columns are empty, and memory costs time.
            key = (value, str(dtype))
            if key not in repeated:
                repeated[key] = constant(value, height, dtype)
            value = repeated[key]
        filled.append(constant(value, height, dtype).alias(name))
    return pl.DataFrame([files.alias("_file"), *filled])


def constant(value: object, height: int, dtype: pl.DataType) -> pl.Series:
    """A column: the series given, cast where needed, or one value repeated."""
    if isinstance(value, pl.Series):
        return value if value.dtype == dtype else value.cast(dtype)
    if isinstance(value, np.ndarray):
        return pl.Series(value).cast(dtype)
    return pl.select(pl.repeat(value, height, dtype=dtype)).to_series()


def dated_files(start: date, prefix: str, day: np.ndarray | pl.Series, *, suffix: str, days: int) -> pl.Series:
    """`<prefix><yyyymmdd><suffix>` of each day of the horizon."""
    return (pl.Series([prefix]).new_from_index(0, days) + by_day(start, days) + suffix).gather(pl.Series(day).cast(pl.Int64))


def weekly_files(start: date, prefix: str, day: pl.Series, *, days: int) -> pl.Series:
    """File of the Friday at or after each day, or of the last day."""
    ahead = (4 - (start.weekday() + day.cast(pl.Int64))) % 7
    friday = (day.cast(pl.Int64) + ahead).clip(upper_bound=days - 1)
    return dated_files(start, prefix, friday, suffix=".csv", days=days)
