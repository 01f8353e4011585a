"""Compiled: the SQL of the ledger's models, as dbt compiled it for the last whole build.

Keeping it belongs here, and telling which model reads which. What is asked by it does not: what was known at a moment
(pipelines/knowledge.py), and what is live (pipelines/intraday). An increment's SQL has moments of ingestion written into it, so that
only that of a whole build can be kept.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from pipelines.home import Home, write_note
from pipelines.warehouse import reading

__all__ = ["Model", "Models", "note_models", "noted_models"]

_NOTED = ("serial_movements", "int_serial_states", "int_article_sites_trusted", "stg_handheld__scans", "int_delivery_lines", "serials")
"""What is asked for later; what these read is kept with them."""


@dataclass(frozen=True)
class Model:
    """One model or seed: its schema, its query, the models it reads, and the bronze tables, all by name."""

    name: str
    schema: str
    sql: str
    parents: Sequence[str]
    sources: Sequence[str]

    @property
    def relation(self) -> str:
        """Its name in the warehouse, as the others' SQL has it."""
        return f'"warehouse"."{self.schema}"."{self.name}"'


@dataclass(frozen=True)
class Models:
    """All that was kept, by name."""

    by_name: Mapping[str, Model]

    def ancestors(self, names: Collection[str]) -> list[Model]:
        """The models named and all that they read, each after those that it reads."""
        found: dict[str, Model] = {}
        for name in names:
            self._add(name, found)
        return list(found.values())

    def between(self, above: str, names: Collection[str]) -> list[Model]:
        """The models named and those of their ancestors that read `above`, in the order in which they can be made."""
        return [model for model in self.ancestors(names) if model.name != above and above in self._closures[model.name]]

    def bronze(self, name: str) -> set[str]:
        """Bronze tables that a model reads, itself or by others."""
        return {table for ancestor in self._closures[name] for table in self.by_name[ancestor].sources}

    def _add(self, name: str, found: dict[str, Model]) -> None:
        if name not in found:
            for parent in self.by_name[name].parents:
                self._add(parent, found)
            found[name] = self.by_name[name]

    @cached_property
    def _closures(self) -> dict[str, set[str]]:
        """Every model with all that it reads, and itself."""
        closures: dict[str, set[str]] = {}
        for model in self.ancestors(self.by_name):
            closures[model.name] = {model.name}.union(*(closures[parent] for parent in model.parents))
        return closures


def note_models(home: Home) -> None:
    """Keep the SQL of the ledger; to be called after a whole build."""
    manifest = json.loads((home.root / "dbt_target" / "run" / "manifest.json").read_text(encoding="utf-8"))
    nodes = {node["name"]: node for node in manifest["nodes"].values() if node["resource_type"] in {"model", "seed"}}
    sources = {key: f"{source['source_name']}/{source['name']}" for key, source in manifest["sources"].items()}
    kept: dict[str, dict] = {}
    wanted = list(_NOTED)
    while wanted:
        node = nodes[wanted.pop()]
        read = node["depends_on"].get("nodes", [])
        parents = [manifest["nodes"][key]["name"] for key in read if key in manifest["nodes"]]
        kept[node["name"]] = {
            "schema": node["schema"],
            "sql": _seed_rows(home, node["name"]) if node["resource_type"] == "seed" else node["compiled_code"],
            "parents": parents,
            "sources": [sources[key] for key in read if key in sources],
        }
        wanted += [name for name in parents if name not in kept]
    write_note(home.ledger_sql, json.dumps(kept))


def noted_models(home: Home) -> Models | None:
    """What was kept; None before the first whole build, and where an older version of the product kept less."""
    if not home.ledger_sql.exists():
        return None
    kept = json.loads(home.ledger_sql.read_text(encoding="utf-8"))
    if not set(_NOTED) <= kept.keys() or not all(isinstance(model, dict) for model in kept.values()):
        return None
    return Models({name: Model(name=name, **model) for name, model in kept.items()})


def _seed_rows(home: Home, seed: str) -> str:
    """A query that gives the rows of a seed without reading any file."""
    with reading(home.warehouse) as connection:
        rows = connection.sql(f"select * from seeds.{seed}")
        kinds = [str(kind) for kind in rows.types]
        values = ", ".join(f"({', '.join('null' if v is None else _literal(v) for v in row)})" for row in rows.fetchall())
        columns = ", ".join(f"cast({name} as {kind}) as {name}" for name, kind in zip(rows.columns, kinds, strict=True))
        return f"select {columns} from (values {values}) as listed ({', '.join(rows.columns)})"


def _literal(value: object) -> str:
    return "'" + str(value).replace("'", "''") + "'"
