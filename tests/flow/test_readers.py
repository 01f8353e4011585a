"""Readers of the published file: none fails, and none sees two publications at once, however often it is swapped."""

import subprocess
import sys
from datetime import datetime, timedelta

import duckdb
import polars as pl
import pytest
from deltalake import DeltaTable

from pipelines.contracts import published_contracts, source_contracts
from pipelines.cut import cut_of
from pipelines.ingest import MANIFEST_SCHEMA, ensure_tables
from pipelines.lake import Lake
from pipelines.publish import is_current, note_build, publish, published_versions, tidy_gold

pytestmark = pytest.mark.slow

READERS, PUBLISHES = 10, 100
CONTRACTS = {name: contract for name, contract in published_contracts().items() if name in ("sites", "vendors", "customers")}
"""Two tables that change together and one that never does: the others would only make each publication slower."""
EPOCH = datetime(2026, 1, 1)
ONE_QUERY = """
    select sites.site_name::int, vendors.vendor_name::int, date_diff('day', timestamp '2026-01-01', published_at)
    from sites cross join vendors cross join publication"""
READER = """
import os, pathlib, sys
import duckdb
import polars as pl

os.nice(10)  # ten busy readers on two cores would leave the publisher a sixth of one

path, stop, query = sys.argv[1], pathlib.Path(sys.argv[2]), sys.argv[3]
seen, queries = set(), 0
while not stop.exists():
    with duckdb.connect(path, read_only=True, config={"threads": 1}) as connection:
        for _ in range(3):
            rows = connection.execute(query).fetchall()
            assert len(rows) == 1 and len(set(rows[0])) == 1, f"mixed versions: {rows}"
            queries += 1
    seen.add(rows[0][0])
print(queries, len(seen))
"""

OPEN_CONNECTION = """
import sys
import duckdb
import polars as pl

with duckdb.connect(sys.argv[1], read_only=True) as connection:
    print("open", flush=True)
    sys.stdin.readline()
    print(connection.execute(sys.argv[2]).fetchall(), flush=True)
"""


@pytest.fixture
def lake(home):
    """A lake, and a warehouse: empty, but for one site and one vendor that carry the number of the publication."""
    lake = Lake(home.lake)
    ensure_tables(lake, source_contracts())
    with duckdb.connect(str(home.warehouse)) as warehouse:
        warehouse.execute("create schema marts")
        for name, contract in CONTRACTS.items():
            columns = ", ".join(f'"{column.name}" {column.physical_type}' for column in contract.columns)
            warehouse.execute(f"create table marts.{name} ({columns})")
        warehouse.execute("insert into marts.sites (site_id) values ('S1')")
        warehouse.execute("insert into marts.vendors (vendor_id) values ('V1')")
    return lake


def _publish(home, lake, number):
    """Change both tables, and publish them together."""
    with duckdb.connect(str(home.warehouse)) as warehouse:
        warehouse.execute(f"update marts.sites set site_name = '{number}'")
        warehouse.execute(f"update marts.vendors set vendor_name = '{number}'")
    publication = publish(home, lake, CONTRACTS, now=EPOCH + timedelta(days=number))
    assert {"sites", "vendors"} <= set(publication.changed)


def _tidy(home, lake):
    """What weekly housekeeping does to the published tables."""
    tidy_gold(home, lake)


def _age_everything(monkeypatch):
    """Let housekeeping see everything as old enough to be removed; the names it keeps are then all that protects a file."""
    really = DeltaTable.vacuum
    monkeypatch.setattr(DeltaTable, "vacuum", lambda *given, **named: really(*given, **named, enforce_retention_duration=False))
    monkeypatch.setattr("pipelines.lake._KEPT_HOURS", 0)


def test_ten_readers_never_fail_nor_see_two_publications_while_a_hundred_happen(home, lake, tmp_path):
    _publish(home, lake, 0)
    stop = tmp_path / "stop"
    command = [sys.executable, "-c", READER, str(home.published), str(stop), ONE_QUERY]
    readers = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(READERS)]
    for number in range(1, PUBLISHES + 1):
        _publish(home, lake, number)
    stop.touch()
    told = [(reader.communicate(timeout=60), reader.returncode) for reader in readers]
    assert [error for (_, error), code in told if code != 0] == []
    queries, publications = zip(*(map(int, output.split()) for (output, _), _ in told), strict=True)
    # Each reader was at work while the file was swapped under it, many times.
    assert min(publications) > 5, publications
    print(f"{sum(queries)} queries by {READERS} readers during {PUBLISHES} publications, each saw {min(publications)} or more of them")


def test_an_open_connection_keeps_its_publication_also_after_housekeeping(home, lake):
    # A process each: within one, DuckDB gives a further connection what the first one opened.
    readers = []
    for number in range(4):
        _publish(home, lake, number)
        command = [sys.executable, "-c", OPEN_CONNECTION, str(home.published), ONE_QUERY]
        readers.append(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))
        assert readers[-1].stdout.readline() == "open\n"
    _tidy(home, lake)
    told = [reader.communicate("go\n", timeout=60)[0].strip() for reader in readers]
    assert told == [str([(number,) * 3]) for number in range(4)]


def test_housekeeping_keeps_what_the_published_file_names_though_newer_versions_exist(home, lake, monkeypatch):
    """As after a publish that broke off before its swap: gold is ahead of the file."""
    for number in range(3):
        _publish(home, lake, number)
    with monkeypatch.context() as patch:
        patch.setattr("pipelines.publish.build_published_file", lambda *_: None)
        _publish(home, lake, 3)
        _publish(home, lake, 4)
    before = {path.name for path in lake.path("gold/sites").glob("*.parquet")}
    _age_everything(monkeypatch)
    _tidy(home, lake)
    assert duckdb.connect(str(home.published), read_only=True).execute(ONE_QUERY).fetchall() == [(2, 2, 2)]
    after = {path.name for path in lake.path("gold/sites").glob("*.parquet")}
    kept = {
        path.name
        for version in (published_versions(home)["sites"], lake.version("gold/sites"))
        for path in lake.files("gold/sites", version)
    }
    assert (len(before), after) == (5, kept)


def test_a_publication_claims_what_the_warehouse_was_built_from_and_no_load_since(home, lake):
    note_build(home, cut_of(lake))
    _publish(home, lake, 0)
    assert is_current(home, lake)
    load = pl.DataFrame([{"_load_id": "l", "file": "f", "ingested_at": EPOCH}], schema=MANIFEST_SCHEMA)
    lake.append_once("manifest", load, ["l"])
    _publish(home, lake, 1)
    assert not is_current(home, lake)
    note_build(home, cut_of(lake))
    publish(home, lake, CONTRACTS, now=EPOCH)
    assert is_current(home, lake)
