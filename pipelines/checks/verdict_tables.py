"""Verdict tables: what checks found, as readable tables for the terminal; and a supplier's own check of a file.

Showing belongs here; judging is in expectations.py and gate.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

import polars as pl
from rich.console import Console
from rich.markup import escape

from pipelines.checks.expectations import Verdict, judge, rows_to_judge
from pipelines.checks.gate import red_rules, shown_key
from pipelines.checks.rules import rules_of
from pipelines.contracts import Contract
from pipelines.lake import Lake
from pipelines.sources import ExtractSettings, extract

__all__ = ["check_file", "show_red"]


def show_red(console: Console, lake: Lake) -> bool:
    """Tell which contracts hold back what, in which files, and what to do. Returns whether any does."""
    red = red_rules(lake)
    for row in red.iter_rows(named=True):
        told = f"{row['rule']}, {row['broken']:,} rows, in {escape(row['files'] or '')}. {escape(row['remedy'])}"
        console.print(f"[red]contract {row['table']} is broken[/red]: {told}", soft_wrap=True)
    if not red.is_empty():
        console.print(
            "Nothing is built on these rows; what was published before still serves. Decide on each file:\n"
            "  serialake reject FILE --reason WHY   moves its rows to quarantine; have it delivered again, corrected\n"
            "  serialake accept FILE --reason WHY   keeps its rows as they are\n"
            "and run again.",
            soft_wrap=True,
        )
    return not red.is_empty()


def check_file(
    console: Console,
    path: Path,
    name: str,
    *,
    contracts: Mapping[str, Contract],
    mappings: Sequence[Contract],
    settings: Sequence[ExtractSettings] = (),
    now: datetime,
    layouts: Path | None = None,
) -> bool:
    """Read a file as if it lay at `name` below landing/, judge it, and print the verdict. Returns whether it may be sent."""
    extracted = extract(path, name, contracts=contracts, mappings=mappings, settings=settings, layouts=layouts)
    refused = extracted.quarantined
    counts = f"{extracted.records_in:,} records = {extracted.records_accepted:,} accepted + {refused.height:,} refused"
    console.print(f"[bold]{escape(name)}[/bold]: {counts}", soft_wrap=True)
    for row in refused.head(20).iter_rows(named=True):
        where = f"line {row['line']}: " if row["line"] else ""
        console.print(f"  [red]refused[/red] {where}{row['reason_code']}: {escape(row['reason'])}", soft_wrap=True)
    is_good = refused.is_empty()
    for table, frame in extracted.accepted.items():
        contract = contracts[table]
        lineage = {"_load_id": pl.lit(name), "_file": pl.lit(name), "_ingested_at": pl.lit(now)}
        with rows_to_judge(frame.with_columns(**lineage)) as engine:
            verdicts = judge(engine, rules_of(contract), shown_key(contract))
        is_good &= not any(verdict.is_red for verdict in verdicts)
        _show(console, table, verdicts)
    return is_good


def _show(console: Console, table: str, verdicts: Sequence[Verdict]) -> None:
    broken = [verdict for verdict in verdicts if not verdict.passed]
    console.print(f"  {table}: {len(verdicts) - len(broken)} of {len(verdicts)} rules kept")
    for verdict in broken:
        rule = verdict.rule
        color = "red" if verdict.is_red else "yellow"
        lines = ", ".join(str(row["line"]) for row in verdict.broken if row.get("line") is not None)
        console.print(
            f"  [{color}]{rule.severity}[/{color}] {rule.name}: {verdict.rows_broken:,} of {verdict.rows_checked:,} rows"
            f" (expected {escape(rule.expected)}). {escape(rule.remedy)}" + (f" Lines {lines}." if lines else ""),
            soft_wrap=True,
        )
