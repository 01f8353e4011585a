"""Refresh: bring the tables of what changed up to the newest whole file, for a publication that they are to be laid over.

It is done by whoever publishes, with the publish lock held: the intraday run for the facts that are published, the night for those that
it is about to publish. All of it is made anew from the lake each time, so that nothing is left over from a run that was killed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache

import polars as pl

from pipelines.checks.decisions import DECISIONS
from pipelines.compiled import noted_models
from pipelines.contracts import Contract, source_contracts
from pipelines.cut import newest_cut
from pipelines.home import Home
from pipelines.intraday.base import Base, new_tables
from pipelines.intraday.changes import changed_tables
from pipelines.intraday.discrepancies import LOOKED_AT, ask_about_scans, discrepancies
from pipelines.intraday.fold import attach, fold, take_new_records
from pipelines.intraday.held import held_loads
from pipelines.lake import Lake
from pipelines.views import stored_rows
from pipelines.warehouse import in_memory

__all__ = ["Live", "live_version", "refresh"]

_READ = ("serial_records", "serials", "articles", "article_values", "stock_current")
"""Published tables that the fold reads."""


@dataclass(frozen=True)
class Live:
    """Up to when the live tables show everything, what of the lake that was, and loads that a contract keeps out."""

    until: datetime
    version: str
    held: tuple[str, ...] = ()
    new_records: int = 0
    touched_units: int = 0
    discrepancies: int = 0


def live_version(lake: Lake, manifest_version: int) -> str:
    """What live tables are made from, besides the facts: the loads, and people's decisions on those that are held back."""
    return f"{manifest_version}/{lake.version(DECISIONS) if lake.exists(DECISIONS) else 0}"


def refresh(home: Home, lake: Lake, contracts: Mapping[str, Contract], *, versions: Mapping[str, int], built_until: datetime) -> Live:
    """Write the tables of what changed since the facts of these gold versions were built. Returns what they show."""
    cut = newest_cut(home, lake)
    version = live_version(lake, cut.manifest_version)
    models = noted_models(home)
    names = [name for name, contract in contracts.items() if contract.written_by == "intraday"]
    if models is None or not names or not set(_READ) <= versions.keys():
        return Live(built_until, version)
    tables = {name: stored_rows(contracts[name], lake.files(f"gold/{name}", versions[name])) for name in _READ}
    base = Base(tables, built_until, models, cut)
    frames, live = _found(lake, contracts, base, version)
    for name in names:
        _store(lake, contracts[name], frames[name])
    return live


def _found(lake: Lake, contracts: Mapping[str, Contract], base: Base, version: str) -> tuple[dict[str, pl.DataFrame], Live]:
    tables = new_tables(lake, base)
    until = max(base.taken.until, base.built_until)
    if not tables:
        empty = {name: pl.DataFrame(schema=c.polars_schema) for name, c in contracts.items() if c.written_by == "intraday"}
        return empty, Live(until, version)
    with in_memory() as connection:
        held = held_loads(connection, lake, _sources(), tables, (base.built_until, base.taken.until))
        shown = Base(base.tables, base.built_until, base.models, base.taken, held)
        attach(connection, shown)
        records = take_new_records(connection, shown, tables)
        ask_about_scans(connection, shown, is_new=bool(tables & LOOKED_AT))
        fold(connection, shown)
        frames = changed_tables(connection, shown, contracts)
        frames["live_discrepancies"] = discrepancies(connection, shown, contracts["live_discrepancies"])
    told = Live(until, version, held, records, frames["changed_units"].height, frames["live_discrepancies"].height)
    return frames, told


@cache
def _sources() -> Mapping[str, Contract]:
    """The inbound contracts: to read them takes longer than to judge a file by them."""
    return source_contracts()


def _store(lake: Lake, contract: Contract, rows: pl.DataFrame) -> None:
    """Put the rows in place of the last ones, unless they are the same."""
    gold = f"gold/{contract.name}"
    fingerprint = {"rows": rows.height, "hash": int(rows.hash_rows(seed=0).sum() or 0), "columns": ",".join(rows.columns)}
    if not lake.exists(gold) or lake.fingerprint(gold) != fingerprint:
        lake.replace(gold, rows, fingerprint, sorted_by=contract.custom("sortedBy"))
