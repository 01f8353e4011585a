"""Summary: what a run left behind, as readable tables.

Queries on the published file and the lake belong here, and how they are shown. Running does not (pipelines/runs.py).
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import polars as pl
from rich.console import Console
from rich.markup import escape
from rich.measure import Measurement
from rich.table import Table

from pipelines.contracts import published_contracts, source_contracts
from pipelines.home import Home
from pipelines.ingest import MANIFEST, new_files
from pipelines.lake import Lake
from pipelines.publish import is_live, publication_facts, published_versions, rows_shown
from pipelines.warehouse import query

__all__ = [
    "show_checks",
    "show_freshness",
    "show_held_sites",
    "show_live",
    "show_models",
    "show_quarantine",
    "show_rows",
    "show_summary",
    "table_of",
]


def show_summary(console: Console, home: Home, stage_seconds: dict[str, float], checks: dict[str, int]) -> None:
    """Rows per layer, quarantine, units by status, conflicts, open cases, checks, models, seconds per stage, and the next two commands."""
    lake = Lake(home.lake)
    console.print(_layers(home, lake))
    show_quarantine(console, home)
    console.print(table_of("Units by status", _read(home, _UNITS_BY_STATE)))
    console.print(table_of("Conflicts found (shown, never repaired)", _read(home, _CONFLICTS), empty="none"))
    console.print(table_of("Discrepancy cases that have not ended, and what is proposed", _read(home, _OPEN_CASES), empty="none"))
    show_checks(console, home, checks)
    show_models(console, home)
    show_held_sites(console, home)
    console.print(table_of("Seconds per stage", pl.DataFrame([{"stage": k, "seconds": f"{v:.1f}"} for k, v in stage_seconds.items()])))
    console.print("\nNext:")
    console.print('  [bold]serialake sql "select * from stock_current limit 5"[/bold]', soft_wrap=True)
    console.print("  [bold]serialake ui[/bold]", soft_wrap=True)
    console.print(f"or open {home.published} in any DuckDB client", soft_wrap=True)


def show_quarantine(console: Console, home: Home) -> None:
    """Refused records by reason, with one example of where."""
    console.print(table_of("Quarantined, by reason", _read(home, _QUARANTINE), empty="nothing"))


def show_checks(console: Console, home: Home, checks: dict[str, int]) -> None:
    """How many checks of a run passed, warned and failed, and which rules of which contracts the newest rows broke."""
    told = ", ".join(f"{count:,} {name}" for name, count in checks.items())
    console.print(table_of(f"Checks: {told}; rules of contracts that warn", _read(home, _BROKEN_RULES), empty="none"))


def show_models(console: Console, home: Home) -> None:
    """Loss of each model's newest training on held-back data beside its baseline's, and what was decided."""
    console.print(table_of("Models, judged on held-back data (smaller is better)", _read(home, _MODELS), empty="none is trained yet"))


def show_held_sites(console: Console, home: Home) -> None:
    """Sites whose initial load does not reconcile, each with what is off and what to do; silent where there is none."""
    # A file that was published before there was a roll-out has no such table.
    held = _read(home, _HELD_SITES) if "rollout_sites" in published_versions(home) else pl.DataFrame()
    for (explanation,) in held.iter_rows():
        console.print(explanation, style="red", soft_wrap=True, markup=False)


def show_freshness(console: Console, home: Home, now: datetime) -> None:
    """Rows and age of every published table, and of what it was made from."""
    lake = Lake(home.lake)
    rows = [
        {
            "table": name,
            "rows": f"{rows_shown(home, lake, contract):,}",
            "version": lake.version(f"gold/{name}"),
            "changed": _age(now, lake.changed_at(f"gold/{name}")),
        }
        for name, contract in published_contracts().items()
        if lake.exists(f"gold/{name}")
    ]
    console.print(table_of("Published tables", pl.DataFrame(rows), empty="nothing is published yet: serialake run"))


def show_live(console: Console, home: Home, lake: Lake, now: datetime) -> None:
    """Up to when the live tables show every file, what still waits in landing/, and what they show besides the facts."""
    facts = publication_facts(home)
    if "live_until" not in facts:
        return
    waiting, unfinished = new_files(home, lake)
    oldest = min((new.file.modified_at for new in waiting), default=None)
    behind = f"{len(waiting)} files wait, the oldest for {int((now - oldest).total_seconds())} s" if oldest else "nothing waits in landing/"
    behind += f"; {len(unfinished)} still being written" if unfinished else ""
    behind += "" if is_live(home, lake) else "; what was taken in since is not shown yet"
    console.print(
        f"Live up to {facts['live_until']:%Y-%m-%d %H:%M:%S} UTC, facts up to {facts['ingested_until']:%Y-%m-%d %H:%M:%S}: {behind}",
        soft_wrap=True,
    )
    console.print(table_of("Since the facts were built", _read(home, _LIVE)))


def show_rows(console: Console, title: str, frame: pl.DataFrame) -> None:
    """Print a frame as a table where the terminal is wide enough, else each row as a paragraph of its filled columns."""
    table = table_of(title, frame)
    if Measurement.get(console, console.options.update(max_width=10_000), table).maximum <= console.width:
        console.print(table)
        return
    console.print(f"[bold]{title}[/bold]")
    for row in frame.iter_rows(named=True):
        filled = [f"[dim]{escape(name)}[/dim] {escape(str(value))}" for name, value in row.items() if value not in (None, "")]
        console.print("  ".join(filled), "\n")


def table_of(title: str, frame: pl.DataFrame, *, empty: str = "no rows") -> Table:
    """A frame as a table for people; numbers with separators, to the right."""
    table = Table(title=title, title_justify="left", title_style="bold", header_style="dim")
    if frame.is_empty():
        table.show_header = False
        table.add_column(min_width=len(title))
        table.add_row(empty)
        return table
    for name, dtype in frame.schema.items():
        table.add_column(name, justify="right" if dtype.is_numeric() or name in {"rows", "seconds", "changed"} else "left", overflow="fold")
    for row in frame.iter_rows():
        table.add_row(*(f"{v:,}" if isinstance(v, int) else "" if v is None else escape(str(v)) for v in row))
    return table


def _layers(home: Home, lake: Lake) -> Table:
    manifest = lake.read(MANIFEST)
    files = manifest.group_by("status").len().sort("status").rows()
    bronze = sum(lake.row_count(f"bronze/{table}") for table in source_contracts())
    gold = query(home.published, _GOLD_ROWS).sort(pl.all())
    rows = [
        {
            "layer": "landing",
            "what": "files: " + ", ".join(f"{n:,} {status}" for status, n in files),
            "rows": int(manifest["records_in"].sum()),
        },
        {"layer": "bronze", "what": "records accepted", "rows": bronze},
        {"layer": "quarantine", "what": "records refused", "rows": lake.row_count("quarantine")},
        *({"layer": "published", "what": name, "rows": rows} for name, rows in gold.iter_rows()),
    ]
    return table_of("Rows per layer", pl.DataFrame(rows))


def _read(home: Home, sql: str) -> pl.DataFrame:
    return query(home.published, sql) if Path(home.published).exists() else pl.DataFrame()


def _age(now: datetime, then: datetime) -> str:
    minutes = int((now - then).total_seconds() // 60)
    if minutes < 60:
        return f"{minutes} min ago"
    return f"{minutes // 60} h ago" if minutes < 48 * 60 else f"{minutes // 1440} days ago"


_GOLD_ROWS = " union all ".join(f"select '{name}', count(*) from {name}" for name in published_contracts())  # noqa: S608 - names of our contracts

_UNITS_BY_STATE = """
select
    coalesce(unit_state, 'unknown') as state,
    case status_code when 'ESTO' then 'ESTO in the warehouse' when 'ECUS' then 'ECUS at the customer'
        when 'AVLB' then 'AVLB exists, in no stock' end as status,
    count(*) as units
from serials group by all order by units desc
"""

_CONFLICTS = """
select conflict_code as conflict, count(distinct (article_id, serial_number)) as units, count(*) as movements
from serial_movements where conflict_code is not null group by all order by units desc
"""

_OPEN_CASES = """
select
    kind_code as kind, action_code as proposed, state_code as state, count(*) as cases, sum(units_outstanding)::bigint as units,
    sum(outstanding_amount) as value
from discrepancy_cases where state_code in ('open', 'proposed', 'approved') group by all
order by value desc nulls last, kind, proposed, state
"""

_HELD_SITES = "select concat('Site ', site_id, ' is held. ', explanation) from rollout_sites where is_held order by site_id"

_LIVE = """
select
    (select count(*) from changed_units) as "units touched",
    (select coalesce(sum(units_added), 0) from changed_stock) as "units into stock",
    (select coalesce(sum(units_removed), 0) from changed_stock) as "units out of stock",
    (select count(*) from live_discrepancies) as discrepancies
"""

_BROKEN_RULES = """
select table_name as table, rule_name as rule, coalesce(observed, rows_broken || ' of ' || rows_checked || ' rows') as found
from (from contract_results qualify checked_at = max(checked_at) over (partition by table_name))
where not is_passed order by all
"""

_MODELS = """
select
    model_name as model, loss_name as loss, printf('%.4f', loss) as value,
    printf('%.4f', baseline_loss) as baseline, held_back as "judged on", decision_code as decision
from model_cards qualify row_number() over (partition by model_name order by trained_at desc) = 1 order by model
"""

_QUARANTINE = """
select reason_code as reason, stage_name as stage, coalesce(table_name, '') as table, count(*) as records, min(file) as "first file"
from quarantine group by all order by records desc, reason
"""
