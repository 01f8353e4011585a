"""Benchmarks: the ledger's runs, small, and its two ways of building agree, so that its figures mean something."""

import re

import pytest

from pipelines.home import Home
from pipelines.warehouse import query
from tests.benchmarks.contract_checks import contract_check_rows
from tests.benchmarks.ledger import ledger_rows
from tests.benchmarks.ledger_building import run_dbt
from tests.benchmarks.recall import recall_rows


@pytest.mark.slow
def test_the_ledgers_benchmark_runs_and_its_two_ways_agree(tmp_path, monkeypatch):
    monkeypatch.setenv("SERIALAKE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "home" / "dagster"))
    assert len(ledger_rows(tmp_path, 20_000)) == 10
    home, tables = Home(tmp_path / "home"), ("intermediate.int_serial_states", "intermediate.int_unit_sales", "marts.serial_stays")
    whole = [query(home.warehouse, f"select * from {table} order by all") for table in tables]
    # As much a record as makes several buckets of units necessary, which a retailer's years do as well.
    in_buckets = ["--full-refresh", "--vars", "{fold_bytes_per_record: 3000000}"]
    run_dbt(home, "build", *in_buckets, "--exclude-resource-type", "test", "unit_test", "--select", *(t.split(".")[1] for t in tables))
    for table, rows in zip(tables, whole, strict=True):
        assert query(home.warehouse, f"select * from {table} order by all").equals(rows), table


def test_the_contracts_benchmark_judges_rows_that_keep_their_contract():
    (row,) = contract_check_rows(5_000)
    judged = re.fullmatch(r"judge 0\.0 million new rows by (\d+) rules", row["what"])
    # Fewer would mean that the contract lost rules, and the figure its meaning.
    assert int(judged[1]) >= 58


def test_the_recalls_benchmark_finds_the_units_that_it_planted(tmp_path):
    by_serial, by_origin, by_article = recall_rows(tmp_path, 300_000)
    # Every 300th unit is of one article: half of them lie behind the first serial number, and some in the week.
    assert by_serial["what"] == "recall 500 of 0.3 million units by serial numbers"
    assert by_origin["what"] == "recall 444 of 0.3 million units by origin"
    assert by_article["what"] == "recall 1,000 of 0.3 million units as a whole article"
