"""The recall's benchmark: one batch among many million published units, against a bare count of the same units in the same files.

`python -m tests.benchmarks.recall` prints it alone; `--units` sets the size. Published tables are written directly: how they are built is
measured by the ledger's benchmark.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import polars as pl
import pyarrow as pa
from rich.console import Console

from pipelines.contracts import Contract, published_contracts, source_contracts
from pipelines.home import Home
from pipelines.ingest import ensure_tables
from pipelines.lake import Lake
from pipelines.recall.recalling import recall_units
from pipelines.recall.requests import requested
from pipelines.summary import table_of
from pipelines.views import View
from pipelines.warehouse import build_published_file, query

__all__ = ["recall_rows"]

_ARTICLES = 300
_BATCH = 1_000_000
"""Units that are made at once."""
_NOW = datetime(2026, 7, 1, 2, 0)
_WRITTEN = ("serials", "serial_movements", "unit_origins", "articles", "customers")
_NEEDED = (*_WRITTEN, "unit_traits", "recalls", "recall_units", "recall_contacts")
_PRICES = ("sap/ekko", "sap/ekpo", "quality/recall_notices")
_SERIALS = "article_id = '400007' and serial_number between 'VX{first:010}' and 'VX{last:010}'"
_ORIGIN = "supplier_id = '100003' and article_id = '400003' and received_date between date '2025-01-06' and date '2025-01-12'"
_ARTICLE = "article_id = '400003'"


def recall_rows(folder: Path, units: int) -> list[dict]:
    """Rows of the table of figures: recalls of about a thousand of so many units, by serial numbers and by origin, and of an article."""
    home = Home(folder / "home").prepare()
    lake = Lake(home.lake)
    contracts = {name: contract for name, contract in published_contracts().items() if name in _NEEDED}
    ensure_tables(lake, {name: contract for name, contract in source_contracts().items() if name in _PRICES})
    _publish(home, lake, contracts, units)
    rows = []
    serials = _SERIALS.format(first=units // 2, last=units // 2 + 300_000)
    cases = {"by serial numbers": serials, "by origin": _ORIGIN, "as a whole article": _ARTICLE}
    for number, (case, condition) in enumerate(cases.items()):
        begin = time.perf_counter()
        done = recall_units(home, lake, contracts, requested(condition, name=f"case-{number}"), now=_NOW)
        seconds = time.perf_counter() - begin
        begin = time.perf_counter()
        found = query(home.published, _bare(condition)).item()
        bare = time.perf_counter() - begin
        if found != done.summary["units"]:
            raise AssertionError(f"recalled {done.summary['units']} units, and there are {found}")
        rows.append(
            {
                "what": f"recall {found:,} of {units / 1e6:.1f} million units {case}",
                "measured": f"{seconds:.1f} s",
                "baseline": f"count them, {bare:.1f} s",
                "ratio": f"{seconds / bare:.1f}",
            }
        )
    return rows


def _bare(condition: str) -> str:
    return f"select count(*) from serials left join unit_origins using (article_id, serial_number) where {condition}"


def _publish(home: Home, lake: Lake, contracts: dict[str, Contract], units: int) -> None:
    """Units in the order in which they are published, with their movements and origins."""
    for name, contract in contracts.items():
        lake.ensure(f"gold/{name}", contract.polars_schema)
    for name in ("serials", "serial_movements", "unit_origins"):
        contract = contracts[name]
        schema = pl.DataFrame(schema=contract.polars_schema).to_arrow(compat_level=pl.CompatLevel.oldest()).schema
        lake.replace(f"gold/{name}", pa.RecordBatchReader.from_batches(schema, _batches(contract, units)), {"units": units})
    few = {
        "articles": pl.DataFrame({"article_id": [str(400_000 + at) for at in range(_ARTICLES)]}),
        "customers": pl.DataFrame({"customer_id": [str(700_000 + at) for at in range(50_000)]}).with_columns(has_master_data=True),
    }
    for name, frame in few.items():
        rows = _conformed(frame, contracts[name]).to_arrow(compat_level=pl.CompatLevel.oldest())
        lake.replace(f"gold/{name}", pa.RecordBatchReader.from_batches(rows.schema, rows.to_batches()), {"rows": frame.height})
    versions = {name: lake.version(f"gold/{name}") for name in contracts}
    views = [View(contract, lake.files(f"gold/{name}", versions[name])) for name, contract in contracts.items()]
    pinned = ",".join(f"{name}={version}" for name, version in versions.items())
    facts = {"published_at": _NOW, "home": str(home.root), "manifest_version": 0, "model_version": "", "gold_versions": pinned}
    build_published_file(home.published, views, facts)


def _batches(contract: Contract, units: int) -> Iterator[pa.RecordBatch]:
    rows = {"serials": _cards, "serial_movements": _movements, "unit_origins": _origins}[contract.name]
    for first in range(0, units, _BATCH):
        frame = rows(pl.DataFrame({"unit": pl.int_range(first, min(first + _BATCH, units), eager=True)}).with_columns(**_IDENTITY))
        yield from _conformed(frame, contract).to_arrow(compat_level=pl.CompatLevel.oldest()).to_batches()


def _conformed(frame: pl.DataFrame, contract: Contract) -> pl.DataFrame:
    """The contract's columns; those that the frame lacks are empty."""
    return frame.select(
        (pl.col(name) if name in frame.columns else pl.lit(None)).cast(dtype).alias(name) for name, dtype in contract.polars_schema.items()
    )


_UNIT = pl.col("unit")
_IS_SOLD = _UNIT % 10 < 7
_STORE = pl.concat_str(pl.lit("S"), 101 + _UNIT // 7 % 60)
_CUSTOMER = (700_000 + _UNIT % 50_000).cast(pl.String)
_RECEIVED = pl.lit("2025-01-01").str.to_date() + pl.duration(days=_UNIT // 33_334)
_IDENTITY = {
    "serial_number": pl.concat_str(pl.lit("VX"), _UNIT.cast(pl.String).str.zfill(10)),
    "article_id": (400_000 + _UNIT % _ARTICLES).cast(pl.String),
    "ingested_at": pl.lit(_NOW),
}


def _cards(units: pl.DataFrame) -> pl.DataFrame:
    last = _RECEIVED + pl.duration(days=12)
    return units.with_columns(
        article_name=pl.lit("Phone"),
        batch_id=pl.lit("NEW"),
        unit_state=pl.when(_IS_SOLD).then(pl.lit("with_customer")).otherwise(pl.lit("in_stock")),
        site_id=pl.when(~_IS_SOLD).then(_STORE),
        storage_location_id=pl.when(~_IS_SOLD).then(pl.lit("0001")),
        stock_type_code=pl.when(~_IS_SOLD).then(pl.lit("01")),
        customer_id=pl.when(_IS_SOLD).then(_CUSTOMER),
        last_movement_date=last,
        last_moved_at=last.cast(pl.Datetime("us")),
    )


def _movements(units: pl.DataFrame) -> pl.DataFrame:
    """Receipt, transfer to a store and sale of each unit."""
    steps = pl.DataFrame({"sequence_number": [1, 2, 3], "movement_type": ["101", "301", "251"], "days": [0, 3, 12]})
    every = units.join(steps, how="cross", maintain_order="left").filter((pl.col("sequence_number") < 3) | _IS_SOLD)
    is_sale = pl.col("sequence_number") == 3
    document = pl.concat_str(pl.lit("D"), (_UNIT * 8 + pl.col("sequence_number")).cast(pl.String))
    day = _RECEIVED + pl.duration(days=pl.col("days"))
    return every.with_columns(
        movement_id=document,
        document_id=document,
        movement_date=day,
        moved_at=day.cast(pl.Datetime("us")),
        is_reversal=pl.lit(value=False),
        unit_state=pl.when(is_sale).then(pl.lit("with_customer")).otherwise(pl.lit("in_stock")),
        from_site_id=pl.when(is_sale).then(_STORE),
        to_site_id=pl.when(~is_sale).then(_STORE),
        customer_id=pl.when(is_sale).then(_CUSTOMER),
    )


def _origins(units: pl.DataFrame) -> pl.DataFrame:
    supplier = (100_000 + _UNIT % 30).cast(pl.String)
    return units.with_columns(
        supplier_id=supplier, purchase_order_id=(4_500_000_000 + _UNIT // 5_000).cast(pl.String), received_date=_RECEIVED
    )


def main() -> None:
    """Print the benchmark alone."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--units", type=lambda text: int(float(text)), default=10_000_000, help="published units")
    with tempfile.TemporaryDirectory() as folder:
        Console(width=160).print(table_of("Recall", pl.DataFrame(recall_rows(Path(folder), arguments.parse_args().units))))


if __name__ == "__main__":
    main()
