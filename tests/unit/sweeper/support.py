"""Helpers of sweeper tests: published cases of a few units that a test writes down, without any build."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import polars as pl

from pipelines.contracts import published_contracts, source_contracts
from pipelines.home import Home
from pipelines.ingest import ensure_tables
from pipelines.lake import LINEAGE_SCHEMA, Lake
from pipelines.sources.routing import extract
from pipelines.sweeper.sweeping import Swept, sweep
from pipelines.warehouse import query
from tests.unit.publishing import publish_rows

NAMES = ("discrepancy_case_units", "serial_movements", "unit_origins", "discrepancy_cases", "discrepancy_decisions")
CONTRACTS = {name: contract for name, contract in published_contracts().items() if name in NAMES}
_BRONZE = ("sap/ekko", "sap/ekpo", "sap/mbew", "sweeper/decisions", "carrier/freight_claims")
BRONZE = {name: contract for name, contract in source_contracts().items() if name in _BRONZE}
NOW = datetime(2026, 3, 21, 2, 30)
DAY = date(2026, 3, 20)
CASE = "SW0123456789AB"


def case_unit(serial: str = "356001", *, case: str = CASE, **more) -> dict:
    """A unit of delivery 80000001 that left DC01 and did not come to S101 with the rest."""
    return {
        "case_id": case, "article_id": "4711", "serial_number": serial, "kind_code": "short", "role_code": "missing",
        "action_code": "receive_and_push_back", "lane_kind": "delivery", "origin_id": "DC01", "to_site_id": "S101",
        "document_id": "80000001", "delivery_id": "80000001", "delivery_item": "000010", "purchase_order_id": "4600000001",
        "unit_quantity": Decimal(1), "batch_id": "NEW", "valuation_type": "NEW", "storage_location_id": "0001",
        "origin_storage_location_id": "0001", "departed_at": datetime(2026, 3, 10, 15), "opened_at": datetime(2026, 3, 14, 8),
        "as_of_date": DAY, **more,
    }  # fmt: skip


def published(home: Home, *units: dict, movements: list[dict] | None = None) -> Lake:
    """A home whose published file shows these units of cases, and these movements."""
    lake = Lake(home.lake)
    ensure_tables(lake, BRONZE)
    publish_rows(home, lake, CONTRACTS, {"discrepancy_case_units": list(units), "serial_movements": movements or []}, now=NOW)
    return lake


def swept(home: Home, lake: Lake) -> Swept:
    """What one sweep does."""
    return sweep(home, lake, CONTRACTS, now=NOW)


def case_of(home: Home, case: str = CASE) -> dict:
    """The published case."""
    return query(home.published, "select * from discrepancy_cases where case_id = ?", [case]).row(0, named=True)


def decided(lake: Lake, case: str, decision: str, day: date, *, line: int = 1) -> None:
    """One delivered decision."""
    contract = BRONZE["sweeper/decisions"]
    row = {"case_id": case, "decision": decision, "decided_by": "K17", "decision_reason": "seen", "decided_date": day,
           "_load_id": f"{case}{decision}{day}{line}", "_file": "sweeper/decisions.csv", "_line": line, "_ingested_at": NOW}  # fmt: skip
    frame = pl.DataFrame([row], schema={**contract.polars_schema, **LINEAGE_SCHEMA})
    lake.append_once("bronze/sweeper/decisions", frame, [row["_load_id"]])


def read_back(file: Path) -> pl.DataFrame:
    """The lines of a file of goods movements, as our own reader takes them in."""
    contracts = {"sap/goods_movements": source_contracts()["sap/goods_movements"]}
    read = extract(file, f"sap/{file.name}", contracts=contracts)
    assert read.quarantined.is_empty()
    return read.accepted["sap/goods_movements"]


def as_posted(file: Path) -> list[dict]:
    """Movements of the ledger that the ERP's own documents make, posted as the file proposes."""
    return [
        {
            "movement_id": f"{row['ref_doc_no']}/{row['move_type']}/{row['serialno']}", "article_id": row["material"].lstrip("0"),
            "serial_number": row["serialno"].lstrip("0"), "sequence_number": 9, "document_id": row["ref_doc_no"],
            "movement_type": row["move_type"], "movement_date": DAY, "witness_names": "sap_tables", "moved_at": NOW, "ingested_at": NOW,
        }
        for row in read_back(file).iter_rows(named=True)
    ]  # fmt: skip


def files_below(home: Home) -> dict[str, bytes]:
    """Content of every file of the sweeper's outbox."""
    folder = home.root / "outbox" / "sweeper"
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}
