"""Helpers of flow tests: what is in the published tables, without lineage."""

from __future__ import annotations

import polars as pl

from pipelines.contracts import published_contracts
from pipelines.home import Home
from pipelines.warehouse import query

CLOCKS = (
    "ingested_at", "published_at", "scored_at", "trained_at", "checked_at", "checked_from_at", "checked_until_at", "data_versions_json",
)  # fmt: skip
"""Columns that may differ between two runs over the very same files: moments of the runs, and the number of Delta commits it took."""

LINEAGE = (*CLOCKS, "modified_at", "load_id", "file", "line")
"""These, and what tells which delivery a fact came with: copies of a file, or other files of the same content, differ in it."""


def published_content(home: Home, *, without: tuple[str, ...] = LINEAGE) -> dict[str, pl.DataFrame]:
    """Every published table in a fixed row order, without the columns that tell when and from where it came."""
    content = {}
    for name, contract in published_contracts().items():
        columns = [c.name for c in contract.columns if c.name not in without]
        selected = ", ".join(f'"{column}"' for column in columns)
        content[name] = query(home.published, f"select {selected} from {name} order by all")
    return content


def assert_same_content(left: dict[str, pl.DataFrame], right: dict[str, pl.DataFrame], *, but: tuple[str, ...] = ()) -> None:
    """All tables equal, row by row; `but` names tables left out."""
    for name in left.keys() - set(but):
        assert left[name].equals(right[name]), f"{name} differs: {left[name].height} and {right[name].height} rows"
