"""Accuracy: what was forecast then beside what came, for days whose demand can no longer change.

Judging remembered forecasts day by day belongs here, and adding newly matured days to the published tables. The forecasts come from
memory.py; whether the figures are alarming is decided in drift checks.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

import polars as pl

from pipelines.contracts import Contract
from pipelines.lake import Lake
from pipelines.models.memory import quantile_levels, recall
from pipelines.models.metrics import held

__all__ = ["ACCURACY", "BY_SEGMENT", "GROWN_BY_NIGHTS", "accuracy_by_segment", "add_matured", "judged_forecasts"]

ACCURACY, BY_SEGMENT = "demand_accuracy", "demand_accuracy_by_segment"
GROWN_BY_NIGHTS = (("gold", ACCURACY), ("gold", BY_SEGMENT), ("ml", "demand_forecasts"))
"""Layer and name of the tables that a night adds a file to."""
_BUCKETS = {1: "1", 7: "2-7", 14: "8-14"}
_LAST_BUCKET = "15-28"
_BEFORE_ALL = "1970-12-31"
"""No forecast was remembered before it."""


def judged_forecasts(remembered: pl.DataFrame, actual: pl.DataFrame) -> pl.DataFrame:
    """One row per series, day and bucket of lead times: its newest forecast by the champion of its night, beside what came.

    `remembered`: unique_id, article_id, site_id, ds, cutoff, lead, alias_name, expected_units, quantiles, model_version, model_name,
    segment. `actual`: unique_id, ds, y, is_stock_out, demand. Days without an actual are left out. Gives the columns of demand_accuracy:
    units_demanded is demand, or what was sold where demand is not known and nothing is judged.
    """
    levels = quantile_levels(remembered.columns)
    bucket = pl.lit(_LAST_BUCKET)
    for most, name in reversed(_BUCKETS.items()):
        bucket = pl.when(pl.col("lead") <= most).then(pl.lit(name)).otherwise(bucket)
    newest = (
        remembered.filter(pl.col("alias_name") == "champion")
        .with_columns(lead_bucket_code=bucket)
        .sort("lead", "scored_at", descending=[False, True])
        .unique(["unique_id", "ds", "lead_bucket_code"], keep="first", maintain_order=True)
    )
    known = actual.filter(pl.col("y").is_not_null()).select(
        "unique_id", "ds", "is_stock_out", is_judged=pl.col("demand").is_not_null(), y=pl.coalesce("demand", "y")
    )
    is_judged = pl.col("is_judged")
    is_held = {f"is_{name.removeprefix('units_')}_held": pl.when(is_judged).then(held(newest, name, levels)) for name in levels}
    error = pl.when(is_judged).then((pl.col("expected_units") - pl.col("y")).abs())
    return (
        newest.join(known, on=["unique_id", "ds"], how="inner")
        .with_columns(**is_held, absolute_error_units=error)
        .rename({"ds": "forecast_date", "lead": "lead_time_days", "cutoff": "features_as_of_date", "y": "units_demanded"})
    )


def accuracy_by_segment(judged: pl.DataFrame) -> pl.DataFrame:
    """One row per day, segment (and `all`) and bucket of lead times: the columns of demand_accuracy_by_segment."""
    levels = quantile_levels(judged.columns)
    is_judged = pl.col("absolute_error_units").is_not_null()
    losses = [
        pl.max_horizontal(level * (pl.col("units_demanded") - pl.col(name)), (1 - level) * (pl.col(name) - pl.col("units_demanded")))
        for name, level in levels.items()
    ]
    every = pl.concat([judged.with_columns(segment=pl.lit("all")), judged.filter(pl.col("segment").is_not_null())])
    summed = (
        every.with_columns(loss=2 * pl.mean_horizontal(losses))
        .group_by("forecast_date", "segment", "lead_bucket_code")
        .agg(
            *(pl.col(name).filter(is_judged).sum() for name in ("units_demanded", "expected_units", "absolute_error_units")),
            *(pl.col(f"is_{q}_held").mean().alias(f"{q}_held_share") for q in (n.removeprefix("units_") for n in levels)),
            judged_series=is_judged.sum(),
            stock_out_series=(~is_judged).sum(),
            quantile_loss_units=pl.col("loss").filter(is_judged).sum(),
        )
    )
    demanded = pl.when(pl.col("units_demanded") > 0).then(pl.col("units_demanded"))
    return summed.with_columns(
        wape=pl.col("absolute_error_units") / demanded, bias=(pl.col("expected_units") - pl.col("units_demanded")) / demanded
    )


def add_matured(
    lake: Lake,
    contracts: Mapping[str, Contract],
    actual: pl.DataFrame,
    *,
    scored_table: str,
    matured_until: date,
    horizon_days: int,
    made_from: Mapping[str, object],
) -> dict[str, int]:
    """Judge the days that matured since the last time and add them to both tables. Returns rows added by table.

    Each table notes, in the commit that brings its rows, the day up to which it is complete, and `made_from`: what broke off between
    the two is made good by the next run.
    """
    added = {}
    for name in (ACCURACY, BY_SEGMENT):
        contract, table = contracts[name], f"gold/{name}"
        lake.ensure(table, contract.polars_schema)
        noted = lake.fingerprint(table) or {}
        done = date.fromisoformat(noted.get("matured_until", _BEFORE_ALL))
        note = {"matured_until": max(done, matured_until).isoformat(), **made_from}
        if noted == note:
            added[name] = 0
            continue
        first = done + timedelta(days=1)
        remembered = recall(lake, contracts[scored_table], first=first, last=matured_until, horizon_days=horizon_days)
        judged = judged_forecasts(remembered, actual)
        rows = judged if name == ACCURACY else accuracy_by_segment(judged)
        told = rows.select(pl.col(column).cast(kind) for column, kind in contract.polars_schema.items())
        told = told.sort(contract.custom("sortedBy"))
        lake.append_sorted(table, told, note, sorted_by=contract.custom("sortedBy"))
        added[name] = told.height
    return added
