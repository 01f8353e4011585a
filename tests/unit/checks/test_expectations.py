"""Expectations: every kind of rule counts exactly the rows that break it, and names them by key, file and line."""

from datetime import datetime

import polars as pl
import pytest

from pipelines.checks.expectations import judge, rows_to_judge
from pipelines.checks.rules import BATCH, ERROR, WARNING, Rule, rules_of
from pipelines.contracts import source_contracts

ROWS = pl.DataFrame(
    {
        "scan_id": ["A", "B", "C", "C", "E"],
        "serial": ["S1", None, "s 3", "S" * 20, "S5"],
        "action": ["receive", "scrap", None, "teleport", "receive"],
        "quantity": [1, 0, -2, 3, None],
        "_load_id": ["l1", "l1", "l1", "l1", "l2"],
        "_file": ["one.csv", "one.csv", "one.csv", "one.csv", "two.csv"],
        "_line": [1, 2, 3, 4, 1],
        "_ingested_at": [datetime(2026, 3, 2)] * 5,
    }
)


def _rule(kind, column, broken, severity=ERROR, **arguments):
    return Rule("named", column, kind, severity, "what is right", "what to do", f"select * from {BATCH} where {broken}", arguments)


@pytest.mark.parametrize(
    ("rule", "lines"),
    [
        (_rule("not_null", "serial", "serial is null"), [2]),
        (_rule("max_length", "serial", "length(serial) > 18", max_value=18), [4]),
        (_rule("in_set", "action", "action not in ('receive', 'scrap')", value_set=["receive", "scrap"]), [4]),
        (_rule("rows", "serial", "not regexp_full_match(serial, '[A-Z0-9]+')"), [3]),
        (_rule("rows", "serial", "not regexp_full_match(serial, '[A-Z0-9 a-z]{1,4}')"), [4]),
    ],
    ids=lambda value: getattr(value, "kind", None),
)
def test_a_rule_counts_and_names_the_rows_that_break_it(rule, lines):
    with rows_to_judge(ROWS) as engine:
        (verdict,) = judge(engine, [rule], ["scan_id"])
    assert (verdict.rows_checked, verdict.rows_broken) == (5, len(lines))
    assert sorted(row["line"] for row in verdict.broken) == lines
    assert all(set(row) == {"scan_id", "file", "line"} for row in verdict.broken)
    assert verdict.files == ["one.csv"]
    assert verdict.is_red


def test_a_key_may_repeat_in_another_load_but_not_in_its_own():
    broken = f"select * from {BATCH} qualify count(*) over (partition by _load_id, scan_id) > 1"
    rule = Rule("key", None, "unique", WARNING, "once", "", broken, {"column_list": ["_load_id", "scan_id"]})
    with rows_to_judge(ROWS) as engine:
        (verdict,) = judge(engine, [rule], ["scan_id"])
    with rows_to_judge(ROWS.with_columns(_load_id=pl.concat_str("_load_id", "_line"))) as engine:
        (apart,) = judge(engine, [rule], ["scan_id"])
    assert (verdict.rows_broken, verdict.passed, verdict.is_red) == (2, False, False)
    assert apart.passed


def test_of_many_broken_rows_the_first_are_named_and_all_are_counted():
    many = pl.concat([ROWS.with_columns(_line=pl.col("_line") + 10 * n) for n in range(30)])
    with rows_to_judge(many) as engine:
        (verdict,) = judge(engine, [_rule("not_null", "serial", "serial is null")], ["scan_id"])
    assert (verdict.rows_broken, len(verdict.broken)) == (30, 20)
    assert [row["line"] for row in verdict.broken][:3] == [2, 12, 22]


def test_no_rows_break_nothing():
    with rows_to_judge(ROWS.clear()) as engine:
        (verdict,) = judge(engine, [_rule("not_null", "serial", "serial is null")], ["scan_id"])
    assert (verdict.rows_checked, verdict.rows_broken, verdict.passed) == (0, 0, True)


def test_a_rule_that_does_not_run_stops_the_check_and_names_itself():
    broken = Rule("bad_rule", None, "rows", ERROR, "", "", f"select nothing_there from {BATCH}")
    with rows_to_judge(ROWS) as engine, pytest.raises(RuntimeError, match="rule bad_rule cannot be judged"):
        judge(engine, [broken], ["scan_id"])


@pytest.mark.parametrize("contract", source_contracts().values(), ids=lambda c: c.table)
def test_the_suite_of_every_contract_runs_on_its_columns(contract):
    lineage = {"_load_id": pl.String, "_file": pl.String, "_line": pl.Int64, "_ingested_at": pl.Datetime("us")}
    with rows_to_judge(pl.DataFrame(schema={**contract.polars_schema, **lineage})) as engine:
        assert all(verdict.passed for verdict in judge(engine, rules_of(contract), contract.key))


def test_a_delivery_that_left_in_a_hundred_years_holds_the_ledger_back():
    contract = source_contracts()["sap/deliveries"]
    moments = {"goods_issue_actual_at": datetime(2126, 1, 1), "_ingested_at": datetime(2026, 3, 2)}
    row = {"vbeln": "80000001", "idoctyp": "DELVRY07", "_load_id": "l", "_file": "f.xml", "_line": 1, **moments}
    lineage = {"_load_id": pl.String, "_file": pl.String, "_line": pl.Int64, "_ingested_at": pl.Datetime("us")}
    with rows_to_judge(pl.DataFrame([row], schema={**contract.polars_schema, **lineage})) as engine:
        red = [verdict.rule.name for verdict in judge(engine, rules_of(contract), contract.key) if verdict.is_red]
    assert red == ["actual_dates_are_plausible"]
