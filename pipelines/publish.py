"""Publish: marts to gold Delta tables, then one swap of the file that analysts open.

The order of the two, and what makes a publication current, belong here. Delta is in pipelines/lake.py, DuckDB in
pipelines/warehouse.py. A table whose content did not change is not written again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

import polars as pl

from pipelines.contracts import Contract, contract_root, published_contracts
from pipelines.cut import BEGINNING, Cut
from pipelines.home import Home, project_root, write_note
from pipelines.ingest import MANIFEST
from pipelines.intraday.refresh import Live, live_version, refresh
from pipelines.intraday.views import live_views
from pipelines.knowledge import table_macros
from pipelines.lake import Lake
from pipelines.look_ups import look_up_macros
from pipelines.nights import appended, bring, replaced_table, replaced_version, view_of
from pipelines.progress import report
from pipelines.views import View
from pipelines.warehouse import build_published_file, newest_movement_date, query, reading, row_count, table_fingerprint, table_rows

__all__ = [
    "Publication",
    "built_from",
    "ensure_gold",
    "facts_versions",
    "is_current",
    "is_live",
    "live_version",
    "merge_nights",
    "model_version",
    "note_build",
    "publication_facts",
    "publish",
    "publish_live",
    "publish_scores",
    "published_versions",
    "replace_gold",
    "rows_shown",
    "shown_contracts",
    "tidy_gold",
]


_CHANGED_UNITS = "changed_units"
"""The table that every live view lays over the facts."""


@dataclass(frozen=True)
class Publication:
    """What one publish did: rows by table, and the tables whose content changed."""

    rows: dict[str, int]
    changed: tuple[str, ...]


def publish(home: Home, lake: Lake, contracts: Mapping[str, Contract], *, now: datetime) -> Publication:
    """Bring all marts of the warehouse to gold, and swap the analysts' file. Returns what changed.

    The file tells which loads and models the marts were built from (`note_build`): files that were taken in since are
    not claimed.

    Each gold table is one Delta commit; the file names one version of each. A failure before the swap leaves the file
    as it was, and the next run carries on. Tables that dbt does not write are shown at their newest version.
    """
    rows, changed = {}, []
    marts = [contract for contract in contracts.values() if contract.written_by == "dbt"]
    with reading(home.warehouse) as connection:
        for done, contract in enumerate(marts, 1):
            gold, mart = f"gold/{contract.name}", f"marts.{contract.name}"
            if appended(contract):
                if bring(connection, lake, contract, made_by=model_version()):
                    changed.append(contract.name)
                rows[contract.name] = row_count(connection, mart)
                report("publish", done, len(marts))
                continue
            fingerprint = table_fingerprint(connection, mart, contract)
            if lake.fingerprint(gold) != fingerprint:
                rows_of_mart = table_rows(connection, mart, contract)
                lake.replace(gold, rows_of_mart, fingerprint, sorted_by=contract.custom("sortedBy", []))
                changed.append(contract.name)
            rows[contract.name] = int(fingerprint["rows"])
            report("publish", done, len(marts))
    ensure_gold(lake, contracts)
    versions = {name: lake.version(f"gold/{name}") for name in _tables(contracts)}
    with home.publish_lock():
        _show(home, lake, contracts, versions, {"home": str(home.root), **built_from(home)}, now=now)
    return Publication(rows, tuple(changed))


def publish_live(home: Home, lake: Lake, contracts: Mapping[str, Contract], *, now: datetime) -> Live | None:
    """Show the newest whole file in the live tables, over the facts as they are published. Returns what they show.

    None where no facts are published that can be built on: the next night publishes both.
    """
    with home.publish_lock():
        facts = publication_facts(home)
        if not _can_be_live(home, facts):
            return None
        ensure_gold(lake, contracts)
        shown = published_versions(home)
        versions = {name: shown.get(name, 0) for name in _tables(contracts)}
        return _show(home, lake, contracts, versions, {name: facts[name] for name in ("home", *built_from(home))}, now=now)


def _show(
    home: Home, lake: Lake, contracts: Mapping[str, Contract], versions: dict[str, int], facts: Mapping[str, object], *, now: datetime
) -> Live:
    """Bring the live tables up to date for these versions of the facts, and swap the file, unless it shows all that already."""
    live = refresh(home, lake, contracts, versions=versions, built_until=facts["ingested_until"])
    versions |= {name: lake.version(f"gold/{name}") for name in contracts if contracts[name].written_by == "intraday"}
    facts = {**facts, "live_until": live.until, "live_version": live.version}
    if versions != published_versions(home) or not facts.items() <= publication_facts(home).items():
        _swap(home, lake, contracts, versions, {"published_at": now, **facts})
    return live


def publish_scores(home: Home, lake: Lake, contracts: Mapping[str, Contract], names: Sequence[str], *, now: datetime) -> None:
    """Show the newest version of the named tables in the analysts' file; all other tables stay at the version it shows.

    Does nothing where no facts are published yet, or where the file shows these versions already.
    """
    with home.publish_lock():
        shown = published_versions(home)
        if not shown:
            return
        tables = _tables(contracts)
        versions = {name: lake.version(f"gold/{name}") if name in names or name not in shown else shown[name] for name in tables}
        if versions != shown:
            _swap(home, lake, contracts, versions, {**publication_facts(home), "published_at": now})


def shown_contracts(home: Home, contracts: Mapping[str, Contract], names: Sequence[str]) -> dict[str, Contract]:
    """The contracts of what is published, of the named tables, and of the live views over them.

    Tables that a newer release adds are not among them: its first run, which makes them, shows them.
    """
    published = published_versions(home)
    views = set(live_views(contracts)) if _CHANGED_UNITS in published else set()
    return {name: each for name, each in contracts.items() if name in {*published, *names, *views}}


def rows_shown(home: Home, lake: Lake, contract: Contract) -> int:
    """Rows that the published file shows of a table."""
    if appended(contract) and contract.name in published_versions(home):
        return query(home.published, f"select count(*) from {contract.name}").item()  # noqa: S608 - a table of the project's
    return lake.row_count(f"gold/{contract.name}")


def merge_nights(home: Home, lake: Lake, contracts: Mapping[str, Contract], *, now: datetime) -> Sequence[str]:
    """Write the tables whole that have grown by nights, and show them so. Returns their names.

    A table whose mart has moved on since it was published is left to the next publication.
    """
    growing = [contract for contract in contracts.values() if appended(contract)]
    merged = []
    if not home.warehouse.exists() or not published_versions(home):
        return merged
    with reading(home.warehouse) as connection:
        for contract in growing:
            shown = lake.fingerprint(f"gold/{contract.name}") or {}
            if shown.get("night") and bring(connection, lake, contract, made_by=str(shown["made_by"]), whole=True):
                merged.append(contract.name)
    publish_scores(home, lake, contracts, merged, now=now)
    return merged


def tidy_gold(home: Home, lake: Lake) -> None:
    """Remove what neither the newest nor the published version of a gold table names."""
    for name in published_versions(home):
        with home.publish_lock():
            shown, newest = published_versions(home)[name], lake.version(f"gold/{name}")
            lake.vacuum(f"gold/{name}", shown)
            if lake.exists(replaced_table(name)):
                lake.vacuum(replaced_table(name), *(replaced_version(lake, name, version) for version in (shown, newest)))


def ensure_gold(lake: Lake, contracts: Mapping[str, Contract]) -> None:
    """Create, empty, the gold tables that dbt does not write, so that analysts always find them."""
    for name in _tables(contracts):
        if contracts[name].written_by != "dbt":
            lake.ensure(f"gold/{name}", contracts[name].polars_schema)


def _tables(contracts: Mapping[str, Contract]) -> list[str]:
    """Names of what is stored: all but the views."""
    return [name for name, contract in contracts.items() if contract.written_by != "view"]


def replace_gold(lake: Lake, contract: Contract, rows: pl.DataFrame) -> None:
    """Make these the rows of a gold table that dbt does not write, in the contract's columns and order, unless they are already."""
    gold = f"gold/{contract.name}"
    every = rows.select(pl.col(name).cast(dtype) for name, dtype in contract.polars_schema.items())
    every = every.sort(contract.custom("sortedBy"), nulls_last=True)
    fingerprint = {"rows": every.height, "hash": every.hash_rows(seed=0).sum()}
    if lake.fingerprint(gold) != fingerprint:
        lake.replace(gold, every, fingerprint)


def _swap(home: Home, lake: Lake, contracts: Mapping[str, Contract], versions: Mapping[str, int], facts: Mapping[str, object]) -> None:
    views = [view_of(lake, contracts[name], versions[name]) for name in _tables(contracts)]
    views += [View(contracts[name], sql=sql) for name, sql in live_views(contracts).items()]
    pinned = ",".join(f"{name}={version}" for name, version in versions.items())
    macros = [macro for macro in table_macros(home) if macro.table in contracts]
    macros += look_up_macros(lake, views, versions)
    build_published_file(home.published, views, {**facts, "gold_versions": pinned}, macros)


def note_build(home: Home, cut: Cut) -> None:
    """Record that the warehouse now holds all loads up to this cut of the lake, by today's models."""
    facts = {"manifest_version": cut.manifest_version, "ingested_until": cut.until.isoformat(), "model_version": model_version()}
    if newest := newest_movement_date(home.warehouse):
        facts["as_of_date"] = newest.isoformat()
    write_note(home.build_note, json.dumps(facts))


def built_from(home: Home) -> dict[str, object]:
    """`manifest_version`, `ingested_until`, `model_version`, `as_of_date` of the last whole build; blank where there was none."""
    found = {"manifest_version": -1, "ingested_until": BEGINNING.isoformat(), "model_version": "", "as_of_date": None}
    if home.warehouse.exists() and home.build_note.exists():
        found |= json.loads(home.build_note.read_text(encoding="utf-8"))
    as_of_date = date.fromisoformat(found["as_of_date"]) if found["as_of_date"] else None
    return {**found, "ingested_until": datetime.fromisoformat(found["ingested_until"]), "as_of_date": as_of_date}


def is_current(home: Home, lake: Lake) -> bool:
    """Whether the published file shows all loaded files, by today's models, and names files where they lie now."""
    if not lake.exists(MANIFEST):
        return False
    facts = publication_facts(home)
    found = tuple(facts.get(name) for name in ("home", "manifest_version", "model_version"))
    return found == (str(home.root), lake.rows_version(MANIFEST), model_version())


def is_live(home: Home, lake: Lake) -> bool:
    """Whether the live tables show all loaded files, and all decisions on them; or nobody can show them before the next night."""
    facts = publication_facts(home)
    if not _can_be_live(home, facts) or not lake.exists(MANIFEST):
        return True
    return facts["live_version"] == live_version(lake, lake.rows_version(MANIFEST))


def _can_be_live(home: Home, facts: Mapping[str, object]) -> bool:
    """Whether facts are published by today's models, and name files where they lie now: others have to be built, or shown, anew."""
    return facts.get("home") == str(home.root) and facts.get("model_version") == model_version() and "live_version" in facts


def publication_facts(home: Home) -> dict[str, object]:
    """The one row of the table `publication` by column; empty where nothing is published."""
    return query(home.published, "select * from publication").row(0, named=True) if home.published.exists() else {}


def published_versions(home: Home) -> dict[str, int]:
    """The Delta version of each gold table that the published file names; empty where nothing is published."""
    pinned = publication_facts(home).get("gold_versions", "")
    return {name: int(version) for name, version in (pair.split("=") for pair in pinned.split(",") if pair)}


def facts_versions(home: Home) -> dict[str, int]:
    """The Delta versions of the manifest and of the published marts: what a model that is trained now learns from."""
    marts = published_contracts(written_by="dbt")
    versions = {name: version for name, version in published_versions(home).items() if name in marts}
    return {"manifest": publication_facts(home).get("manifest_version", 0), **versions}


def model_version() -> str:
    """Hash of everything that decides what the marts hold besides the data: dbt project and contracts."""
    digest = hashlib.sha256()
    roots = [project_root() / "dbt_project" / name for name in ("models", "macros", "seeds", "dbt_project.yml")]
    for path in sorted(p for root in [*roots, contract_root()] for p in (root.rglob("*") if root.is_dir() else [root]) if p.is_file()):
        digest.update(path.relative_to(project_root()).as_posix().encode() + path.read_bytes())
    return digest.hexdigest()[:16]
