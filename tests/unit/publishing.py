"""Helper of tests that read the published file: one that shows a few rows which a test writes down, without any build."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import polars as pl
import pyarrow as pa

from pipelines.contracts import Contract
from pipelines.home import Home
from pipelines.lake import Lake
from pipelines.views import View
from pipelines.warehouse import build_published_file

__all__ = ["publish_rows"]


def publish_rows(home: Home, lake: Lake, contracts: Mapping[str, Contract], tables: Mapping[str, list[dict]], *, now: datetime) -> None:
    """Publish the tables of these contracts, those that `tables` names with its rows; what is not named stays as it was."""
    for name, contract in contracts.items():
        lake.ensure(f"gold/{name}", contract.polars_schema)
        if name in tables:
            rows = pl.DataFrame(tables[name], schema=contract.polars_schema).to_arrow(compat_level=pl.CompatLevel.oldest())
            lake.replace(f"gold/{name}", pa.RecordBatchReader.from_batches(rows.schema, rows.to_batches()), {"test": rows.num_rows})
    versions = {name: lake.version(f"gold/{name}") for name in contracts}
    views = [View(contract, lake.files(f"gold/{name}", versions[name])) for name, contract in contracts.items()]
    pinned = ",".join(f"{name}={version}" for name, version in versions.items())
    facts = {"published_at": now, "home": str(home.root), "manifest_version": 0, "model_version": "", "gold_versions": pinned}
    build_published_file(home.published, views, facts)
