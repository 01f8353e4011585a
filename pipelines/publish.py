"""Publish: marts to gold Delta tables, then one swap of the file that analysts open.

The order of the two, and what makes a publication current, belong here. Delta is in pipelines/lake.py, DuckDB in
pipelines/warehouse.py. A table whose content did not change is not written again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from pipelines.contracts import Contract, contract_root
from pipelines.home import Home, project_root
from pipelines.ingest import MANIFEST
from pipelines.lake import Lake
from pipelines.progress import report
from pipelines.warehouse import View, build_published_file, query, reading, table_fingerprint, table_rows

__all__ = ["Publication", "is_current", "model_version", "publish", "published_versions"]


@dataclass(frozen=True)
class Publication:
    """What one publish did: rows by table, and the tables whose content changed."""

    rows: dict[str, int]
    changed: tuple[str, ...]


def publish(home: Home, lake: Lake, contracts: Mapping[str, Contract], *, now: datetime) -> Publication:
    """Bring all published tables of the warehouse to gold, and swap the analysts' file. Returns what changed.

    Each gold table is one Delta commit; the file names one version of each. A failure before the swap leaves the file
    as it was, and the next run carries on.
    """
    rows, changed, views = {}, [], []
    with reading(home.warehouse) as connection:
        for done, (name, contract) in enumerate(contracts.items(), 1):
            gold, mart = f"gold/{name}", f"marts.{name}"
            fingerprint = table_fingerprint(connection, mart, contract)
            if lake.fingerprint(gold) != fingerprint:
                lake.replace(gold, table_rows(connection, mart, contract), fingerprint)
                changed.append(name)
            version = lake.version(gold)
            views.append(View(contract, version, lake.files(gold, version)))
            rows[name] = int(fingerprint["rows"])
            report("publish", done, len(contracts))
    if changed or not is_current(home, lake):
        facts = {
            "published_at": now,
            "home": str(home.root),
            "manifest_version": lake.version(MANIFEST),
            "model_version": model_version(),
            "gold_versions": ",".join(f"{view.contract.name}={view.version}" for view in views),
        }
        build_published_file(home.published, views, facts)
    return Publication(rows, tuple(changed))


def is_current(home: Home, lake: Lake) -> bool:
    """Whether the published file shows all loaded files, by today's models, and names files where they lie now."""
    if not home.published.exists() or not lake.exists(MANIFEST):
        return False
    facts = query(home.published, "select home, manifest_version, model_version from publication").row(0)
    return facts == (str(home.root), lake.version(MANIFEST), model_version())


def published_versions(home: Home) -> dict[str, int]:
    """The Delta version of each gold table that the published file names; empty where nothing is published."""
    if not home.published.exists():
        return {}
    pinned = query(home.published, "select gold_versions from publication").item()
    return {name: int(version) for name, version in (pair.split("=") for pair in pinned.split(","))}


def model_version() -> str:
    """Hash of everything that decides what the marts hold besides the data: dbt project and contracts."""
    digest = hashlib.sha256()
    roots = [project_root() / "dbt_project" / name for name in ("models", "macros", "seeds", "dbt_project.yml")]
    for path in sorted(p for root in [*roots, contract_root()] for p in (root.rglob("*") if root.is_dir() else [root]) if p.is_file()):
        digest.update(path.relative_to(project_root()).as_posix().encode() + path.read_bytes())
    return digest.hexdigest()[:16]
