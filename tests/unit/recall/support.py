"""Helpers of recall tests: published tables of a few units that a test writes down, without any build."""

from __future__ import annotations

from datetime import date, datetime

import polars as pl

from pipelines.contracts import published_contracts, source_contracts
from pipelines.home import Home
from pipelines.ingest import ensure_tables
from pipelines.lake import LINEAGE_SCHEMA, Lake
from pipelines.recall.recalling import Recalled, recall_units
from pipelines.recall.requests import requested
from tests.unit.publishing import publish_rows

NAMES = (
    "serials", "serial_movements", "articles", "customers", "unit_origins", "unit_traits", "recalls", "recall_units", "recall_contacts",
)  # fmt: skip
CONTRACTS = {name: contract for name, contract in published_contracts().items() if name in NAMES}
BRONZE = {name: contract for name, contract in source_contracts().items() if name in ("sap/ekko", "sap/ekpo", "quality/recall_notices")}
NOW = datetime(2026, 3, 10, 2, 30)
DAY = date(2026, 3, 9)


def unit(serial: str, state: str, *, article: str = "A1", **more) -> dict:
    """The card of one unit."""
    return {
        "article_id": article, "serial_number": serial, "unit_state": state, "last_movement_date": DAY, "batch_id": "NEW",
        "last_moved_at": datetime(2026, 3, 9, 12), "ingested_at": NOW, **more,
    }  # fmt: skip


def moved(serial: str, number: int, kind: str, state: str, *, article: str = "A1", **more) -> dict:
    """One movement of a unit."""
    return {
        "article_id": article, "serial_number": serial, "sequence_number": number, "movement_type": kind, "unit_state": state,
        "document_id": f"D{number}", "movement_date": date(2026, 3, number), "is_reversal": kind in ("252", "102"), **more,
    }  # fmt: skip


def publish(home: Home, **tables: list[dict]) -> Lake:
    """A home whose published file shows these rows, and whose bronze tables are there."""
    lake = Lake(home.lake)
    ensure_tables(lake, BRONZE)
    publish_rows(home, lake, CONTRACTS, tables, now=NOW)
    return lake


def deliver(lake: Lake, table: str, *rows: dict) -> None:
    """Rows of a bronze table, as one load."""
    schema = {**BRONZE[table].polars_schema, **LINEAGE_SCHEMA}
    load = f"load-{lake.row_count(f'bronze/{table}')}"
    lineage = {"_load_id": load, "_file": "x", "_ingested_at": NOW}
    frame = pl.DataFrame([{**row, **lineage, "_line": at} for at, row in enumerate(rows, 2)], schema=schema)
    lake.append_once(f"bronze/{table}", frame, [load])


def recalled(home: Home, lake: Lake, condition: str = "article_id = 'A1'", name: str = "R1") -> Recalled:
    """One recall by condition."""
    return recall_units(home, lake, CONTRACTS, requested(condition, name=name), now=NOW)


def outbox(home: Home, name: str = "R1") -> dict[str, bytes]:
    """Content of a recall's files by name."""
    return {path.name: path.read_bytes() for path in sorted((home.root / "outbox" / "recalls" / name).iterdir())}
