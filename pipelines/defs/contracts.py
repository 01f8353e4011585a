"""Contracts: every delivery's new rows against its contract, before anything is built on them.

One check per bronze table for the contract's rules, one for what its past makes expect. A broken rule of severity error holds
back all that depends on the table; what the rules are stands in data_contracts/sources.
"""

from collections.abc import Iterator

import dagster as dg
import polars as pl

from pipelines.checks.expectations import Verdict
from pipelines.checks.gate import RESULTS, TableVerdict, check_new_rows, keep_results
from pipelines.checks.plots import broken_rows_plot, volume_plot
from pipelines.contracts import published_contracts, source_contracts
from pipelines.cut import note_cut, noted_cut
from pipelines.defs.resources import WAREHOUSE_POOL, Lakehouse
from pipelines.defs.specs import column_schema
from pipelines.pictures import as_markdown

CONTRACTS = source_contracts()
CONTRACT = published_contracts()["contract_results"]
RULES, HISTORY = "contract", "volume_and_freshness"


def _spec(table: str, name: str) -> dg.AssetCheckSpec:
    told = {
        RULES: "New rows keep the rules of the contract.",
        HISTORY: "As many rows, and as often, as the feed's own past makes expect on such a weekday.",
    }
    return dg.AssetCheckSpec(name, asset=["bronze", *table.split("/")], blocking=name == RULES, description=told[name])


@dg.multi_asset_check(
    name="check_contracts",
    specs=[_spec(table, name) for table in CONTRACTS for name in (RULES, HISTORY)],
    pool=WAREHOUSE_POOL,
)
def check_contracts(context: dg.AssetCheckExecutionContext, lakehouse: Lakehouse) -> Iterator[dg.AssetCheckResult]:
    """Judge new rows set-based in DuckDB, keep the results, and tell them table by table."""
    with lakehouse.writing() as home:
        lake, now = lakehouse.lake(), lakehouse.now()
        cut = noted_cut(home.taken_note)
        found = {table.table: table for table in check_new_rows(lake, CONTRACTS, now=now, until=cut.until if cut else None)}
        added = keep_results(lake, CONTRACT, list(found.values()), now=now)
        if cut and not any(table.is_red for table in found.values()):
            note_cut(home.passed_note, cut)
        history = lake.read(RESULTS) if added else pl.DataFrame()
    if added:
        context.op_execution_context.log_event(dg.AssetMaterialization(["gold", CONTRACT.name], metadata={"rows_added": added}))
    for table in CONTRACTS:
        judged = found.get(table)
        past = history.filter(pl.col("table_name") == table) if added else history
        yield _result(table, RULES, judged, past)
        yield _result(table, HISTORY, judged, past)


def _result(table: str, name: str, judged: TableVerdict | None, past: pl.DataFrame) -> dg.AssetCheckResult:
    verdicts = [v for v in (judged.verdicts if judged else []) if (v.rule.kind == "history") == (name == HISTORY)]
    broken = [v for v in verdicts if not v.passed]
    red = any(v.is_red for v in broken)
    pictures = {}
    if judged and verdicts and name == HISTORY and not judged.volumes.is_empty():
        pictures["rows per day"] = volume_plot(judged.volumes)
    if broken and name == RULES and not past.is_empty():
        pictures["broken rows by check"] = broken_rows_plot(past)
    return dg.AssetCheckResult(
        asset_key=["bronze", *table.split("/")],
        check_name=name,
        passed=not broken,
        severity=dg.AssetCheckSeverity.ERROR if red else dg.AssetCheckSeverity.WARN,
        description="; ".join(f"{v.rule.name}: {v.rows_broken} of {v.rows_checked}" for v in broken),
        metadata={
            "rules": len(verdicts),
            "new_rows": max((v.rows_checked for v in verdicts), default=0),
            **{v.rule.name: _told(v) for v in broken},
            **{title: dg.MetadataValue.md(as_markdown(png, title)) for title, png in pictures.items()},
        },
    )


def _told(verdict: Verdict) -> dg.MetadataValue:
    rule = verdict.rule
    return dg.MetadataValue.json(
        {
            "expected": rule.expected,
            "severity": rule.severity,
            "broken_rows": verdict.rows_broken,
            "first_of_them": [{key: str(value) for key, value in row.items()} for row in verdict.broken],
            "what_to_do": rule.remedy,
        }
    )


@dg.definitions
def contracts() -> dg.Definitions:
    """The checks, and the table of their results, which they write."""
    results = dg.AssetSpec(
        ["gold", CONTRACT.name],
        deps=[["bronze", *table.split("/")] for table in CONTRACTS],
        group_name=CONTRACT.domain,
        description=f"{CONTRACT.grain} {CONTRACT.description}",
        owners=[f"team:{CONTRACT.domain}"],
        metadata={"dagster/column_schema": column_schema(CONTRACT)},
    )
    return dg.Definitions(assets=[results], asset_checks=[check_contracts])
