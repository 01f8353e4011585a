"""The dbt project as compiled, in one database in memory: bronze rows in, marts out, in a fraction of a second.

dbt builds an empty lake twice: the first build leaves each model's SQL for a whole build, the second the one for an increment
with the statements of its strategy. Both are run here as they stand; only the constants that dbt asks the warehouse for (how
far a model has come) are asked anew. tests/flow/test_corrections.py shows that dbt itself makes the same of the same rows.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from graphlib import TopologicalSorter
from pathlib import Path

import duckdb
import polars as pl

from pipelines.compiled import note_models
from pipelines.contracts import published_contracts, source_contracts
from pipelines.home import Home
from pipelines.knowledge import table_macros
from pipelines.lake import LINEAGE_SCHEMA
from tests.flow.bronze import build, empty_lake

BRONZE = source_contracts()
MARTS = published_contracts(written_by="dbt")
Rows = Sequence[Mapping[str, object]]
File = Mapping[str, Rows]
"""Rows of bronze tables, by table, that came in one file."""

FIRST_NIGHT = datetime(2026, 6, 1, 2)
_TAKEN_IN = "warehouse.intermediate.units_taken_in"
_BEGINNING = "timestamp '1970-01-01 00:00:00'"
_KINDS = {pl.String: "varchar", pl.Int32: "integer", pl.Int64: "bigint", pl.Float64: "double", pl.Boolean: "boolean", pl.Date: "date"}


@dataclass(frozen=True)
class Model:
    """A model of the project: its table, and its SQL for a whole build and for an increment."""

    name: str
    relation: str
    is_view: bool
    whole: str
    increment: str | None
    strategy: str | None
    reads: tuple[str, ...]
    reached: str
    """Query for how far the model has come, as the macro `watermark` asks it."""


def compile_models(folder: Path) -> tuple[Home, list[Model]]:
    """The models of the project in the order in which they are built, and the home with the seeds that they read."""
    home, _ = empty_lake(folder)
    nodes = []
    for _ in range(2):
        build(home, "--exclude-resource-type", "test", "unit_test")
        manifest = json.loads((home.root / "dbt_target" / "manifest.json").read_text(encoding="utf-8"))
        if not nodes:
            # Where a nightly run leaves it.
            shutil.copy(home.root / "dbt_target" / "manifest.json", home.root / "dbt_target" / "run" / "manifest.json")
            note_models(home)
        nodes.append({key: node for key, node in manifest["nodes"].items() if node["resource_type"] == "model"})
    first, second = nodes
    order = TopologicalSorter({key: [on for on in node["depends_on"]["nodes"] if on in first] for key, node in first.items()})
    return home, [_model(home, first[key], second[key]) for key in order.static_order()]


def _model(home: Home, first: Mapping, second: Mapping) -> Model:
    is_incremental = first["config"]["materialized"] == "incremental"
    name = first["name"]
    strategy = _without_stamps(name, Path(second["build_path"]).read_text(encoding="utf-8")) if is_incremental else None
    return Model(
        name,
        first["relation_name"],
        first["config"]["materialized"] == "view",
        _from_memory(home, first["compiled_code"]),
        _from_memory(home, second["compiled_code"]) if is_incremental else None,
        strategy,
        tuple(name.rsplit(".", 1)[-1] for name in first["depends_on"]["nodes"]),
        _reached(first),
    )


def _reached(node: Mapping) -> str:
    elsewhere = re.search(r"watermark\(relation=built\('(\w+)'\)\)", node["raw_code"])
    relation = f"warehouse.intermediate.{elsewhere[1]}" if elsewhere else node["relation_name"]
    newest = f"select max({node['config']['meta'].get('watermark', 'ingested_at')}) from {relation}"
    if node["config"]["incremental_strategy"] != "replace_units":
        return newest
    return f"select coalesce((select max(ingested_at) from {_TAKEN_IN} where model_name = '{node['name']}'), ({newest}))"


def _from_memory(home: Home, sql: str) -> str:
    """The same query with the lake's tables read from memory."""
    return re.sub(rf"delta_scan\('{home.lake}/(?:bronze/)?([^']+)'\)", r'warehouse.bronze."\1"', sql)


def _without_stamps(name: str, sql: str) -> str:
    """The statements of a strategy with a plain name for the rows that the increment made."""
    return re.sub(rf'"{name}__dbt_tmp\d+"', f'"{name}__new"', sql)


def _upstream(models: Sequence[Model], marts: Sequence[str]) -> set[str]:
    """Names of the marts and of all that they are made from; a model stands after those it reads."""
    needed = set(marts)
    for model in reversed(models):
        needed |= set(model.reads) if model.name in needed else set()
    return needed


def _telling_nothing(model: Model) -> Model:
    nothing = {form: f"select * from ({sql}) where false" for form in ("whole", "increment") if (sql := getattr(model, form))}
    return replace(model, **nothing)


class CompiledLedger:
    """A warehouse in memory. Nights are delivered and built as dbt would; then the marts are read."""

    def __init__(self, home: Home, models: Sequence[Model], *, marts: Sequence[str] = (), silent: Sequence[str] = ()) -> None:
        """Empty tables of all models, or of what the `marts` named are made from, and the seeds.

        `silent` names models of sources that nothing comes from: they take no time.
        """
        chosen = [model for model in models if not marts or model.name in _upstream(models, marts)]
        self.models = [_telling_nothing(model) if model.name in silent else model for model in chosen]
        models = self.models
        self.connection = duckdb.connect()
        # Statements are planned while the tables are empty, and a plan must not believe them to stay so.
        self.connection.execute("set threads = 1; set disabled_optimizers = 'statistics_propagation'; attach ':memory:' as warehouse")
        for schema in ("bronze", "seeds", *sorted({model.relation.split(".")[1].strip('"') for model in models})):
            self.connection.execute(f"create schema warehouse.{schema}")
        self.connection.execute(f"create table {_TAKEN_IN} (model_name varchar, ingested_at timestamp)")
        self.connection.execute("create macro built_until() as timestamp '9999-12-31 00:00:00'")
        self.connection.execute(f"attach '{home.warehouse}' as built (read_only)")
        for (seed,) in self.connection.execute(
            "select table_name from duckdb_tables() where database_name = 'built' and schema_name = 'seeds'"
        ).fetchall():
            self.connection.execute(f"create table warehouse.seeds.{seed} as from built.seeds.{seed}")
        self.connection.execute("detach built")
        for table, schema in self._lake_tables(home):
            columns = ", ".join(f'"{column}" {kind}' for column, kind in schema.items())
            self.connection.execute(f'create table warehouse.bronze."{table}" ({columns})')
        for model in models:
            kind = "view" if model.is_view else "table"
            self.connection.execute(f"create {kind} {model.relation} as {model.whole}")
        self.builds = {model.name: self._prepared(model) for model in models if not model.is_view}
        self.connection.execute("set search_path = 'memory.main,warehouse.marts'")
        for macro in table_macros(home):
            self.connection.execute(f"create macro {macro.name}({', '.join(macro.parameters)}) as table {macro.sql}")
        self.nights = 0

    def _prepared(self, model: Model) -> tuple[list[str], list[str]]:
        """Statements of a whole build and of an increment, planned once: planning takes two thirds of the time of a small build."""
        whole = [f"truncate {model.relation}", f"insert into {model.relation} by name {model.whole}"]
        increment = []
        if model.increment:
            made = f'"{model.name}__new"'
            self.connection.execute(f"create temp table {made} as {model.increment}")
            strategy = [statement.query for statement in duckdb.extract_statements(model.strategy)]
            increment = [f"truncate {made}", f"insert into {made} {model.increment}", *strategy]
        return [self._plan(sql) for sql in whole], [self._plan(sql) for sql in increment]

    def _plan(self, sql: str) -> str:
        """The call of a statement planned now; how far its model has come is told by the variable {reached}, where it asks."""
        if sql.startswith("truncate"):
            return sql
        self.planned = getattr(self, "planned", 0) + 1
        asks = _BEGINNING in sql
        self.connection.execute(f"prepare planned_{self.planned} as {sql.replace(_BEGINNING, 'cast($1 as timestamp)')}")
        return f"execute planned_{self.planned}" + ("({reached})" if asks else "")

    def _lake_tables(self, home: Home) -> Iterator[tuple[str, dict[str, str]]]:
        self.connection.execute("load delta")
        for log in sorted(home.lake.rglob("_delta_log")):
            table = log.parent.relative_to(home.lake).as_posix().removeprefix("bronze/")
            described = self.connection.execute(f"describe from delta_scan('{log.parent}')").fetchall()
            yield table, {name: kind for name, kind, *_ in described}

    def clear(self) -> None:
        """Forget all that was delivered and built."""
        tables = self.connection.execute(
            "select schema_name, table_name from duckdb_tables() where database_name = 'warehouse' and schema_name <> 'seeds'"
        )
        self.connection.execute("; ".join(f'truncate warehouse.{schema}."{table}"' for schema, table in tables.fetchall()))
        self.nights = 0

    def deliver(self, files: Mapping[str, File], *, moment: datetime | None = None) -> datetime:
        """A night's files by name, all taken in at one moment, which is returned."""
        moment = moment or FIRST_NIGHT + timedelta(days=self.nights)
        self.nights += 1
        by_table: dict[str, list[dict]] = {}
        for name, file in files.items():
            for table, rows in file.items():
                lines = ({**row, "_load_id": name, "_file": name, "_line": line, "_ingested_at": moment} for line, row in enumerate(rows))
                by_table.setdefault(table, []).extend(lines)
        for table, rows in by_table.items():
            schema = {**BRONZE[table].polars_schema, **LINEAGE_SCHEMA}
            named = {name: schema[name] for name in rows[0]} | {name: schema[name] for row in rows for name in row}
            self.connection.register("delivered", pl.DataFrame(rows, schema=named).to_arrow())
            self.connection.execute(f'insert into warehouse.bronze."{table}" by name select * from delivered')
        return moment

    def build(self, *, whole: bool) -> None:
        """What dbt build does: with `whole` all anew, else the increment that the new files ask for."""
        for model in self.models:
            if not model.is_view:
                anew, increment = self.builds[model.name]
                is_whole = whole or not increment
                reached = None if is_whole else self.connection.execute(model.reached).fetchone()[0]
                for call in anew if is_whole else increment:
                    self.connection.execute(call.format(reached=f"'{reached or '1970-01-01'}'"))

    def query(self, sql: str, *parameters: object) -> pl.DataFrame:
        """Result of a query on marts, which are named without their schema, and on the published macros."""
        return self.connection.execute(sql, list(parameters)).pl()

    def content(self, names: Sequence[str], *, without: Sequence[str] = ("ingested_at",)) -> dict[str, pl.DataFrame]:
        """Marts by name, in a fixed order of their rows."""
        return {
            name: self.connection.execute(
                f"select {', '.join(c.name for c in MARTS[name].columns if c.name not in without)} from warehouse.marts.{name} order by all"
            ).pl()
            for name in names
        }
