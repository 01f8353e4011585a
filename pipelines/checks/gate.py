"""Gate: which rows are new to the checks, what the checks said, and which loads they hold back.

A table's rows are judged from the moment up to which all before were found good; a red verdict leaves that moment where it
is, so that the same rows are judged again until they are good, accepted or rejected. Judging is in expectations.py and
history.py, the decisions of people in decisions.py.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime

import polars as pl

from pipelines.checks.decisions import decided_loads, ensure_decisions
from pipelines.checks.expectations import Verdict, hold_rows, judge, judging, query_frame
from pipelines.checks.history import freshness_verdict, volume_verdict
from pipelines.checks.rules import ERROR, rules_of
from pipelines.contracts import Contract
from pipelines.ingest import MANIFEST
from pipelines.lake import Lake
from pipelines.progress import report
from pipelines.sources.verdicts import restricted_columns
from pipelines.warehouse import install_delta_extension

__all__ = ["RESULTS", "TableVerdict", "check_new_rows", "held_back_files", "keep_results", "red_rules", "shown_key"]

RESULTS = "gold/contract_results"
_BEGINNING = datetime(1970, 1, 1)


@dataclass(frozen=True)
class TableVerdict:
    """What all rules said about a table's new rows: those that came after `checked_from_at`, up to `checked_until_at`."""

    table: str
    checked_from_at: datetime
    checked_until_at: datetime
    verdicts: Sequence[Verdict]
    volumes: pl.DataFrame

    @property
    def is_red(self) -> bool:
        """Whether any rule blocks what depends on the table."""
        return any(verdict.is_red for verdict in self.verdicts)


def check_new_rows(lake: Lake, contracts: Mapping[str, Contract], *, now: datetime, until: datetime | None = None) -> list[TableVerdict]:
    """Judge the new rows of every table that has any, and the freshness of every table that ever had a delivery.

    `until` leaves rows that were taken in later to the next check.
    """
    ensure_decisions(lake)
    install_delta_extension()
    manifest = lake.read(MANIFEST, ["_load_id", "file", "tables", "ingested_at"]).filter(pl.col("tables") != "")
    manifest = manifest.filter(pl.col("ingested_at") <= until) if until else manifest
    deliveries = manifest.with_columns(pl.col("tables").str.split(",")).explode("tables")
    moments, accepted = _passed_until(lake), decided_loads(lake, "accepted")
    found = []
    with ExitStack() as opened:
        database = None
        for done, (table, contract) in enumerate(contracts.items(), 1):
            of_table = deliveries.filter(pl.col("tables") == table)
            since = moments.get(table, _BEGINNING)
            new = of_table.filter(pl.col("ingested_at") > since)
            verdicts, volumes, checked_until = [], pl.DataFrame(), since
            if new.height:
                database = database or opened.enter_context(judging())
                checked_until = new["ingested_at"].max()
                verdicts, volumes = _rows_verdicts(database, lake, contract, (since, checked_until), accepted)
            if of_table.height:
                fresh = freshness_verdict(of_table["ingested_at"], now)
                found.append(TableVerdict(table, since, checked_until, [*verdicts, fresh], volumes))
            report("contracts", done, len(contracts))
    return found


def _rows_verdicts(
    database: str, lake: Lake, contract: Contract, between: tuple[datetime, datetime], accepted: Sequence[str]
) -> tuple[list[Verdict], pl.DataFrame]:
    path = lake.path(f"bronze/{contract.table}")
    held = ", ".join(f"'{load}'" for load in accepted) or "''"
    since, until = between
    new = f"select * from delta_scan('{path}') where _ingested_at > timestamp '{since}' and _ingested_at <= timestamp '{until}'"
    hold_rows(database, f"{new} and _load_id not in ({held})")
    verdicts = judge(database, rules_of(contract), shown_key(contract))
    business_date = contract.custom("businessDate")
    if not business_date:
        return verdicts, pl.DataFrame()
    days = f"select cast({business_date} as date) as day, count(*) as rows, bool_or(_ingested_at > timestamp '{since}') as is_new"
    told = f"{business_date} is not null and _ingested_at <= timestamp '{until}'"
    by_day = query_frame(database, f"{days} from delta_scan('{path}') where {told} group by all order by day")
    volume = volume_verdict(by_day.select("day", "rows"), by_day.filter("is_new")["day"].to_list())
    return [*verdicts, volume], by_day.select("day", "rows")


def shown_key(contract: Contract) -> list[str]:
    """Columns by which broken rows are named: the key, without what may not be shown."""
    return [name for name in contract.key if name not in restricted_columns(contract)]


def keep_results(lake: Lake, contract: Contract, found: Sequence[TableVerdict], *, now: datetime) -> int:
    """Add what was found to the table of results in one commit; the same findings again add nothing. Returns rows added."""
    lake.ensure(RESULTS, contract.polars_schema)
    judged = [table for table in found if table.checked_until_at > table.checked_from_at]
    rows = [_row(table, verdict, now) for table in judged for verdict in table.verdicts]
    if not rows:
        return 0
    frame = pl.DataFrame(rows, schema=contract.polars_schema)
    identity = frame.drop("checked_at").write_csv().encode()
    return frame.height if lake.append_batch_once(RESULTS, frame, f"checks/{hashlib.sha256(identity).hexdigest()}") else 0


def red_rules(lake: Lake) -> pl.DataFrame:
    """One row per rule that holds a table back now: table, rule, broken rows, files, what to do. Empty where all is good."""
    empty = pl.DataFrame(schema={"table": pl.String, "rule": pl.String, "broken": pl.Int64, "files": pl.String, "remedy": pl.String})
    if not lake.exists(RESULTS):
        return empty
    results = lake.read(RESULTS)
    # The newest check of a table speaks; of checks of the same rows, the later one.
    newest = results.sort("checked_until_at", "checked_at").group_by("table_name").agg(pl.col("checked_until_at", "checked_at").last())
    red = results.join(newest, on=["table_name", "checked_until_at", "checked_at"]).filter(
        (pl.col("severity_code") == ERROR) & ~pl.col("is_passed")
    )
    return red.select(
        pl.col("table_name").alias("table"), pl.col("rule_name").alias("rule"), pl.col("rows_broken").alias("broken"),
        pl.col("file_names").alias("files"), pl.col("remedy").alias("remedy"),
    ).sort("table", "rule")  # fmt: skip


def held_back_files(lake: Lake) -> set[str]:
    """Files with rows that hold a table back now."""
    return {file for files in red_rules(lake)["files"].drop_nulls() for file in files.split(", ")}


def _passed_until(lake: Lake) -> dict[str, datetime]:
    """By table, the moment up to which all rows were found good or were decided on."""
    if not lake.exists(RESULTS):
        return {}
    results = lake.read(RESULTS, ["table_name", "checked_until_at", "checked_at", "severity_code", "is_passed"])
    is_red = ((pl.col("severity_code") == ERROR) & ~pl.col("is_passed")).any()
    checks = results.group_by("table_name", "checked_until_at", "checked_at").agg(is_red.alias("is_red"))
    return dict(checks.filter(~pl.col("is_red")).group_by("table_name").agg(pl.col("checked_until_at").max()).iter_rows())


def _row(table: TableVerdict, verdict: Verdict, now: datetime) -> dict[str, object]:
    rule = verdict.rule
    return {
        "table_name": table.table,
        "rule_name": rule.name,
        "column_name": rule.column,
        "kind_name": rule.kind,
        "severity_code": rule.severity,
        "is_passed": verdict.passed,
        "rows_checked": verdict.rows_checked,
        "rows_broken": verdict.rows_broken,
        "expected": rule.expected,
        "observed": verdict.observed or None,
        "broken_json": verdict.broken_json if verdict.broken else None,
        "file_names": ", ".join(verdict.files) or None,
        "remedy": rule.remedy,
        "checked_from_at": table.checked_from_at,
        "checked_until_at": table.checked_until_at,
        "checked_at": now,
    }
