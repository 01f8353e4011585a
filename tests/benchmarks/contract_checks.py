"""The contracts' benchmark: a million new goods movements judged by all rules of their contract."""

from __future__ import annotations

import time
from datetime import datetime

import polars as pl

from pipelines.checks.expectations import judge, rows_to_judge
from pipelines.checks.rules import rules_of
from pipelines.contracts import source_contracts
from tests.benchmarks.ledger_rows import goods_movements

__all__ = ["contract_check_rows"]


def contract_check_rows(rows: int = 1_000_000) -> list[dict]:
    """Row of the table of figures, after the libraries are loaded."""
    contract = source_contracts()["sap/goods_movements"]
    rules = rules_of(contract)
    delivered = goods_movements(rows).with_columns(
        _load_id=pl.lit("load"), _file=pl.lit("file.xml"), _line=pl.int_range(pl.len()), _ingested_at=pl.lit(datetime(2026, 6, 1))
    )
    with rows_to_judge(delivered.head(10)) as engine:
        judge(engine, rules, contract.key)
    begin = time.perf_counter()
    with rows_to_judge(delivered) as engine:
        broken = [verdict.rule.name for verdict in judge(engine, rules, contract.key) if verdict.is_red]
    seconds = time.perf_counter() - begin
    if broken:
        raise AssertionError(f"the benchmark's rows break {broken}")
    return [
        {
            "what": f"judge {delivered.height / 1e6:.1f} million new rows by {len(rules)} rules",
            "measured": f"{seconds:.1f} s",
            "baseline": "",
            "ratio": "",
        }
    ]
