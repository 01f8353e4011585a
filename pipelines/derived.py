"""Derived tables: published tables made from published facts and forecasts, which note what they were made from.

Writing such a table whole, and telling whether it still fits what is published, belong here; what stands in it does not.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import polars as pl

from pipelines.contracts import Contract
from pipelines.home import Home
from pipelines.lake import Lake
from pipelines.publish import publication_facts, published_versions

__all__ = ["are_current", "facts_told", "forecasts_told", "replace_derived"]


def facts_told(home: Home) -> dict[str, object]:
    """Which facts are published: what a table made from them notes, so that it can be told whether it is current."""
    facts = publication_facts(home)
    return {"manifest_version": facts.get("manifest_version"), "facts_model_version": facts.get("model_version")}


def forecasts_told(home: Home) -> dict[str, object]:
    """Which facts and forecasts are published."""
    return {**facts_told(home), "forecasts_version": published_versions(home).get("demand_forecasts")}


def replace_derived(lake: Lake, contract: Contract, frame: pl.DataFrame, made_from: Mapping[str, object]) -> None:
    """Write the table whole, in its contract's columns, types and order; an empty frame needs no columns."""
    schema = contract.polars_schema
    rows = pl.DataFrame(schema=schema) if frame.is_empty() else frame.select(pl.col(name).cast(kind) for name, kind in schema.items())
    lake.replace(f"gold/{contract.name}", rows.sort(contract.custom("sortedBy")), made_from)


def are_current(home: Home, lake: Lake, names: Iterable[str], made_from: Mapping[str, object]) -> bool:
    """Whether the tables were made from this, and are shown as they are."""
    shown = published_versions(home)
    return all(lake.fingerprint(f"gold/{name}") == made_from and lake.version(f"gold/{name}") == shown.get(name) for name in names)
