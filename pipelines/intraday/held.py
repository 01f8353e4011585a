"""Held: loads whose rows break a rule of severity error, by a look that costs milliseconds.

The night judges by Great Expectations, whose import alone takes longer than the intraday run may. The rules are the same
(pipelines/checks/rules.py): each selects the rows that break it, and DuckDB can be asked for them. A night that finds such a row
builds nothing at all; during the day only the load that brought it is kept out, and all others are shown.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime

from pipelines.checks.decisions import decided_loads, ensure_decisions
from pipelines.checks.rules import BATCH, ERROR, rules_of
from pipelines.contracts import Contract
from pipelines.intraday.base import literal
from pipelines.lake import Lake
from pipelines.warehouse import Connection

__all__ = ["held_loads"]

_ROWS = "delivered_rows"


def held_loads(
    connection: Connection,
    lake: Lake,
    contracts: Mapping[str, Contract],
    tables: Collection[str],
    between: tuple[datetime, datetime],
) -> tuple[str, ...]:
    """Loads, in name order, with a row in one of the tables that breaks an error rule and that nobody has accepted.

    `between` are the moments of ingestion after which, and up to which, rows are looked at.
    """
    ensure_decisions(lake)
    accepted = decided_loads(lake, "accepted")
    passed = f"and _load_id not in ({', '.join(literal(load) for load in accepted)})" if accepted else ""
    since, until = between
    held: set[str] = set()
    for table in sorted(set(tables) & contracts.keys()):
        rules = [rule for rule in rules_of(contracts[table]) if rule.severity == ERROR]
        if not rules:
            continue
        rows = f"select * from delta_scan({literal(lake.path(f'bronze/{table}'))})"
        new = f"where _ingested_at > timestamp '{since}' and _ingested_at <= timestamp '{until}' {passed}"
        connection.execute(f"create or replace temp table {_ROWS} as {rows} {new}")
        broken = " union ".join(f"select _load_id from ({rule.broken_rows.replace(BATCH, _ROWS)})" for rule in rules)
        held.update(load for (load,) in connection.execute(broken).fetchall())
        connection.execute(f"drop table {_ROWS}")
    return tuple(sorted(held))
