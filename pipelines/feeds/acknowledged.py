"""Acknowledged: what became of each feed file, from what was written and what the other side says of it.

Joining the two belongs here; reading acknowledgement files does not (data_contracts/sources/peoplesoft/acks.odcs.yaml). The newest word
about a file counts. States are explained in pipelines/feeds/PEOPLESOFT.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import polars as pl

from pipelines.contracts import Contract
from pipelines.feeds.sent import read_files
from pipelines.home import Home
from pipelines.lake import Lake
from pipelines.publish import publish_scores, shown_contracts

__all__ = ["ACKNOWLEDGEMENTS", "acknowledgements", "publish_acknowledgements", "refused_keys"]

ACKNOWLEDGEMENTS = "feed_acknowledgements"
_TOLD = "bronze/peoplesoft/acks"


def refused_keys(lake: Lake) -> pl.Series:
    """Keys of the files that the other side refused."""
    told = _newest(lake)
    return told.filter(pl.col("status") == "refused")["feed_key"]


def acknowledgements(lake: Lake, *, overdue_after_days: int, now: datetime) -> pl.DataFrame:
    """One row per feed file, and per key that the other side names and nobody wrote; columns of the published contract."""
    found = read_files(lake).join(_newest(lake), on="feed_key", how="full", coalesce=True)
    differs = pl.col("told_records") != pl.col("records")
    due_at = pl.col("written_at") + pl.duration(days=overdue_after_days)
    state = (
        pl.when(pl.col("written_at").is_null()).then(pl.lit("unknown_file"))
        .when(pl.col("status") == "refused").then(pl.lit("refused"))
        .when((pl.col("status") == "accepted") & differs).then(pl.lit("incomplete"))
        .when(pl.col("status") == "accepted").then(pl.lit("acknowledged"))
        .when(due_at < now).then(pl.lit("overdue"))
        .otherwise(pl.lit("written"))
    )  # fmt: skip
    counted = pl.format("{} of {} records were taken", "told_records", "records")
    return found.with_columns(
        feed_name=pl.lit("peoplesoft"),
        state_code=state,
        reason=pl.when(state == "incomplete").then(counted).otherwise("reason"),
        acknowledgement_due_at=due_at,
        acknowledged_records=pl.col("told_records"),
    )


def publish_acknowledgements(
    home: Home, lake: Lake, contracts: Mapping[str, Contract], *, overdue_after_days: int, now: datetime
) -> pl.DataFrame:
    """Bring the published table up to date and show it to analysts. Returns its rows."""
    contract = contracts[ACKNOWLEDGEMENTS]
    found = acknowledgements(lake, overdue_after_days=overdue_after_days, now=now)
    rows = found.select(pl.col(name).cast(dtype) for name, dtype in contract.polars_schema.items()).sort(contract.custom("sortedBy"))
    gold, fingerprint = f"gold/{contract.name}", {"rows": rows.height, "hash": rows.hash_rows(seed=0).sum() if rows.height else 0}
    if lake.fingerprint(gold) != fingerprint:
        lake.replace(gold, rows, fingerprint)
    publish_scores(home, lake, shown_contracts(home, contracts, [contract.name]), [contract.name], now=now)
    return rows


def _newest(lake: Lake) -> pl.DataFrame:
    """The newest word about each key: status, reason, moment, reference and records of the other side."""
    rows = lake.read(_TOLD).sort("acknowledged_at", "_ingested_at", "_line").unique("feed_key", keep="last", maintain_order=True)
    columns = ["feed_key", "status", "reason_code", "reason", "acknowledged_at", pl.col("reference").alias("acknowledgement_reference")]
    return rows.select(*columns, told_records="records")
