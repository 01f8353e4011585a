"""Helpers of feed tests: a published file of movements that a test writes down, without any build."""

from __future__ import annotations

from datetime import date, datetime

import polars as pl
import pyarrow as pa

from pipelines.contracts import published_contracts, source_contracts
from pipelines.feeds import Fed, feed_peoplesoft
from pipelines.feeds.settings import FeedSettings, parse_settings, read_settings
from pipelines.home import Home
from pipelines.ingest import ensure_tables
from pipelines.lake import LINEAGE_SCHEMA, Lake
from pipelines.views import View
from pipelines.warehouse import build_published_file

CONTRACTS = {name: contract for name, contract in published_contracts().items() if name in ("serial_movements", "feed_acknowledgements")}
BRONZE = {name: contract for name, contract in source_contracts().items() if name in ("sap/ekko", "sap/ekpo", "peoplesoft/acks")}
DAY_1, DAY_2, DAY_3 = date(2026, 3, 2), date(2026, 3, 3), date(2026, 3, 4)
NOW = datetime(2026, 3, 10, 2, 30)


def moved(serial: str, number: int, day: date, kind: str, state: str, site: str | None = None, location: str | None = None, **more) -> dict:
    """One movement of a unit of article 400501."""
    return {
        "movement_id": f"{serial}-{number}-{kind}",
        "article_id": "400501",
        "serial_number": serial,
        "sequence_number": number,
        "document_id": f"D{kind}",
        "movement_type": kind,
        "unit_state": state,
        "to_site_id": site,
        "to_storage_location_id": location,
        "movement_date": day,
        **more,
    }


def bought(serial: str, day: date = DAY_1, *, number: int = 1, order: str = "4500000001") -> dict:
    """A receipt of a purchase order at the distribution centre."""
    return moved(serial, number, day, "101", "in_stock", "DC01", "0001", purchase_order_id=order, vendor_id="100012")


def publish(home: Home, movements: list[dict]) -> Lake:
    """A home whose published file shows these movements, and whose bronze tables are there."""
    lake = Lake(home.lake)
    ensure_tables(lake, BRONZE)
    for name, contract in CONTRACTS.items():
        lake.ensure(f"gold/{name}", contract.polars_schema)
    schema = CONTRACTS["serial_movements"].polars_schema
    table = pl.DataFrame(movements, schema=schema).to_arrow(compat_level=pl.CompatLevel.oldest())
    lake.replace("gold/serial_movements", pa.RecordBatchReader.from_batches(table.schema, table.to_batches()), {"test": len(movements)})
    versions = {name: lake.version(f"gold/{name}") for name in CONTRACTS}
    views = [View(contract, lake.files(f"gold/{name}", versions[name])) for name, contract in CONTRACTS.items()]
    pinned = ",".join(f"{name}={version}" for name, version in versions.items())
    facts = {"published_at": NOW, "home": str(home.root), "manifest_version": 0, "model_version": "", "gold_versions": pinned}
    build_published_file(home.published, views, facts)
    return lake


def deliver(lake: Lake, table: str, *rows: dict) -> None:
    """Rows of a bronze table, as one load."""
    schema = {**BRONZE[table].polars_schema, **LINEAGE_SCHEMA}
    load = f"load-{lake.row_count(f'bronze/{table}')}"
    lineage = {"_load_id": load, "_file": "x", "_ingested_at": NOW}
    frame = pl.DataFrame([{**row, **lineage, "_line": at} for at, row in enumerate(rows, 2)], schema=schema)
    lake.append_once(f"bronze/{table}", frame, [load])


def price(lake: Lake, order: str = "4500000001", amount: float = 419.3) -> None:
    """A purchase order with a net price."""
    deliver(lake, "sap/ekko", {"ebeln": order, "waers": "USD"})
    deliver(lake, "sap/ekpo", {"ebeln": order, "ebelp": "00010", "matnr": "000000000000400501", "netpr": amount})


def acknowledge(lake: Lake, key: str, status: str, at: datetime = NOW, **more) -> None:
    """A word of the other side about one file."""
    deliver(lake, "peoplesoft/acks", {"feed_key": key, "status": status, "acknowledged_at": at, **more})


def settings(home: Home, **replaced: str) -> FeedSettings:
    """The shipped settings with some texts replaced by others."""
    text = read_settings(home).text
    for old, new in replaced.values():
        assert old in text
        text = text.replace(old, new)
    return parse_settings(text)


def feed(home: Home, lake: Lake, *, now: datetime = NOW, chosen: FeedSettings | None = None, **more) -> Fed:
    """One feeding."""
    return feed_peoplesoft(home, lake, CONTRACTS, chosen or read_settings(home), now=now, **more)


def outbox(home: Home) -> dict[str, bytes]:
    """Content of all feed files by name."""
    return {path.name: path.read_bytes() for path in sorted((home.root / "outbox" / "peoplesoft").glob("*"))}
