"""Decisions: what a person says about a load that a contract holds back.

Accepted, its rows stay and are no longer judged; rejected, they move to quarantine, whole. Which loads are held back is told in
gate.py. Each step can be repeated, so that a decision broken off is made up by deciding again.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime

import polars as pl

from pipelines.contracts import Contract
from pipelines.ingest import MANIFEST, QUARANTINE
from pipelines.lake import Lake
from pipelines.sources.extracted import QUARANTINE_SCHEMA, RAW_RECORD_LIMIT
from pipelines.sources.verdicts import restricted_columns

__all__ = ["DECISIONS", "DecisionError", "accept", "decided_loads", "ensure_decisions", "reject"]

DECISIONS = "contract_decisions"
_SCHEMA = {
    "load_id": pl.String(),
    "file": pl.String(),
    "decision": pl.String(),
    "reason": pl.String(),
    "decided_at": pl.Datetime("us"),
}


class DecisionError(ValueError):
    """A decision that cannot be taken; the message says why."""


def ensure_decisions(lake: Lake) -> None:
    """Create the table of decisions, empty, unless it exists."""
    lake.ensure(DECISIONS, _SCHEMA)


def decided_loads(lake: Lake, decision: str) -> list[str]:
    """Loads decided so."""
    return lake.read(DECISIONS).filter(pl.col("decision") == decision)["load_id"].sort().to_list()


def accept(lake: Lake, file: str, *, held_back: Collection[str], reason: str, now: datetime) -> None:
    """Let a file's rows pass, whatever the rules say of them. `held_back` names the files that can be decided on."""
    for load_id in _loads_of(lake, file, held_back):
        _decide(lake, load_id, file, "accepted", reason, now)


def reject(lake: Lake, contracts: Mapping[str, Contract], file: str, *, held_back: Collection[str], reason: str, now: datetime) -> int:
    """Move a file's rows from bronze to quarantine. Returns rows moved. `held_back` names the files that can be decided on.

    First the rows are in quarantine, once; then out of bronze; then the manifest says so. Broken off anywhere, the same
    command carries on.
    """
    moved = 0
    for load_id in _loads_of(lake, file, held_back):
        tables = lake.read(MANIFEST).filter(pl.col("_load_id") == load_id)["tables"].item().split(",")
        held = {table: lake.read(f"bronze/{table}").filter(pl.col("_load_id") == load_id) for table in tables if table in contracts}
        refused = pl.concat([_quarantined(contracts[table], rows, reason) for table, rows in held.items()])
        if refused.height:
            lake.append_batch_once(QUARANTINE, refused, f"rejected/{load_id}")
        for table in held:
            lake.delete(f"bronze/{table}", f"_load_id = '{load_id}'")
        lake.update(
            MANIFEST,
            f"_load_id = '{load_id}' and status <> 'rejected'",
            {"records_quarantined": "records_quarantined + records_accepted", "records_accepted": "0", "status": "'rejected'"},
        )
        _decide(lake, load_id, file, "rejected", reason, now)
        moved += refused.height
    return moved


def _loads_of(lake: Lake, file: str, held_back: Collection[str]) -> list[str]:
    if file not in held_back:
        known = ", ".join(sorted(held_back)) or "none"
        raise DecisionError(f"{file} is not held back by a contract; those that are: {known}")
    loads = lake.read(MANIFEST).filter((pl.col("file") == file) & pl.col("status").is_in(["loaded", "rejected"]))
    return loads["_load_id"].sort().to_list()


def _decide(lake: Lake, load_id: str, file: str, decision: str, reason: str, now: datetime) -> None:
    ensure_decisions(lake)
    row = {"load_id": load_id, "file": file, "decision": decision, "reason": reason, "decided_at": now}
    lake.append_batch_once(DECISIONS, pl.DataFrame([row], schema=_SCHEMA), f"{decision}/{load_id}")


def _quarantined(contract: Contract, rows: pl.DataFrame, reason: str) -> pl.DataFrame:
    """Bronze rows as refused records of the moment at which they were taken in; restricted columns are masked."""
    hidden = restricted_columns(contract)
    shown = [(pl.lit("***") if name in hidden else pl.col(name).cast(pl.String)).alias(name) for name in contract.polars_schema]
    records = rows.select(pl.struct(shown).struct.json_encode().str.head(RAW_RECORD_LIMIT)).to_series()
    lineage = rows.select("_load_id", "_file", "_ingested_at")
    told = {
        "table_name": contract.table,
        "reason_code": "rejected",
        "reason": f"a person rejected the file: {reason}",
        "segment": None,
        "field": None,
    }
    frame = lineage.with_columns(
        *(pl.lit(value, pl.String).alias(name) for name, value in told.items()),
        rows["_line"].alias("line"),
        records.alias("raw_record"),
    )
    return frame.select("_load_id", "_file", "_ingested_at", *QUARANTINE_SCHEMA)
