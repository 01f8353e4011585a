"""Memory: what was forecast on each night, kept as it was said.

Adding a night's forecasts and reading back those of some nights belong here. What came of them is in accuracy.py, whose forecasts
are better in promotion.py.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta

import polars as pl

from pipelines.contracts import Contract
from pipelines.lake import Lake

__all__ = ["quantile_levels", "recall", "remember", "remembered_table"]


def remembered_table(contract: Contract) -> str:
    """Table of the lake that keeps every night's rows of a scored table."""
    return f"ml/{contract.name}"


def remember(lake: Lake, contract: Contract, scores: pl.DataFrame, alias_name: str) -> bool:
    """Keep the scores of one model and night, unless they are kept already: what was said first stands. Returns whether it was now.

    Takes rows in the contract's columns, and what the model was called that night; a night is its `features_as_of_date`.
    """
    if scores.is_empty():
        return False
    table = remembered_table(contract)
    schema = _kept_schema(contract)
    lake.ensure(table, schema)
    rows = scores.with_columns(alias_name=pl.lit(alias_name)).select(pl.col(name).cast(kind) for name, kind in schema.items())
    night, version = rows["features_as_of_date"][0], rows["model_version"][0]
    return lake.append_batch_once(table, rows, f"{night}/{version}/{alias_name}")


def recall(lake: Lake, contract: Contract, *, first: date, last: date, horizon_days: int) -> pl.DataFrame:
    """Forecasts of the days from first to last, whatever night they were made on: unique_id, cutoff, ds, lead, expected_units,
    quantiles, model_version, alias_name, and what else the contract has.
    """
    table = remembered_table(contract)
    schema = _kept_schema(contract)
    if not lake.exists(table):
        rows = pl.DataFrame(schema=schema)
    else:
        rows = lake.read(table, between=("features_as_of_date", first - timedelta(days=horizon_days), last))
        rows = rows.filter(pl.col("forecast_date").is_between(first, last))
    return rows.with_columns(unique_id=pl.concat_str("article_id", "site_id", separator="/")).rename(
        {"features_as_of_date": "cutoff", "forecast_date": "ds", "lead_time_days": "lead"}
    )


def _kept_schema(contract: Contract) -> dict[str, pl.DataType]:
    """The contract's columns but the reasons in words, which are long and judge nothing, and what the model was called."""
    kept = {name: kind for name, kind in contract.polars_schema.items() if not name.startswith("reason_")}
    return {**kept, "alias_name": pl.String()}


def quantile_levels(names: Iterable[str]) -> dict[str, float]:
    """Level of each quantile column among the names, lowest first: units_p10 is 0.1."""
    levels = {name: int(name.removeprefix("units_p")) / 100 for name in names if name.startswith("units_p")}
    return dict(sorted(levels.items(), key=lambda pair: pair[1]))
