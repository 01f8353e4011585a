"""Base: the published facts that a day builds on, and what of the lake came after them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import polars as pl

from pipelines.compiled import Models
from pipelines.cut import Cut
from pipelines.ingest import MANIFEST
from pipelines.lake import Lake
from pipelines.warehouse import Connection

__all__ = ["Base", "literal", "new_tables"]


@dataclass(frozen=True)
class Base:
    """One publication: its tables as DuckDB reads them, the moment up to which they hold everything, and the SQL that built them.

    `taken` is the cut of the lake that is to be shown; `held` are loads that a contract keeps out of it.
    """

    tables: Mapping[str, str]
    built_until: datetime
    models: Models
    taken: Cut
    held: tuple[str, ...] = ()

    def gold(self, name: str) -> str:
        """The published table, as DuckDB reads it."""
        return self.tables[name]

    def live_sql(self, name: str) -> str:
        """The query of a model that reads bronze, over the rows that are to be shown."""
        shown = f"timestamp '{self.taken.until}'"
        if self.held:
            shown += f" and _load_id not in ({', '.join(literal(load) for load in self.held)})"
        return self.models.by_name[name].sql.replace("built_until()", shown)

    def create_views(self, connection: Connection, names: Sequence[str]) -> None:
        """Make the models, and all that they read, where they are not there yet; none is computed before it is asked."""
        there = {(schema, name) for schema, name in connection.execute("select schema_name, view_name from duckdb_views()").fetchall()}
        for model in self.models.ancestors(names):
            if (model.schema, model.name) not in there:
                connection.execute(f"create view {model.relation} as {self.live_sql(model.name)}")


def new_tables(lake: Lake, base: Base) -> set[str]:
    """Bronze tables that got rows after the facts were built."""
    manifest = lake.read(MANIFEST, ["tables", "ingested_at"])
    new = manifest.filter((pl.col("ingested_at") > base.built_until) & (pl.col("ingested_at") <= base.taken.until))
    return {table for tables in new["tables"].unique() for table in tables.split(",") if table}


def literal(value: object) -> str:
    """A text of SQL."""
    return "'" + str(value).replace("'", "''") + "'"
