"""The commands of the README, each as a process of its own, on the built retailer."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from pipelines.home import Home
from pipelines.lake import Lake

SERIALAKE = str(Path(sys.executable).with_name("serialake"))


def _serialake(home: Home, *arguments: str) -> subprocess.CompletedProcess:
    # As on a machine where nobody activated the virtual environment: dbt is on no PATH.
    environment = {**os.environ, "SERIALAKE_HOME": str(home.root), "COLUMNS": "200", "NO_COLOR": "1", "PATH": os.defpath}
    environment.pop("DAGSTER_HOME", None)
    return subprocess.run([SERIALAKE, *arguments], env=environment, capture_output=True, text=True, check=False)


@pytest.fixture
def copied_home(built_world, tmp_path) -> Home:
    """A copy of the built retailer in another folder: a home that was moved."""
    home = Home(tmp_path / "moved")
    shutil.copytree(built_world.home.root, home.root)
    return home


def test_the_card_shows_the_unit_and_its_history_newest_last(built_world):
    unit = built_world.query(
        "select * from serials where unit_state = 'with_customer' and movement_count >= 4 and not has_conflict order by all limit 1"
    ).row(0, named=True)
    shown = _serialake(built_world.home, "serial", unit["serial_number"], "--article", unit["article_id"])
    assert shown.returncode == 0, shown.stderr
    for label in ("Article", "Status ECUS", "Valid from", "9999-12-31", "Equipment", "Stock type", "Stock batch", "Last goods movement"):
        assert label in shown.stdout
    documents = built_world.query(
        "select document_id from serial_movements where serial_number = ? and article_id = ? order by sequence_number",
        unit["serial_number"],
        unit["article_id"],
    )["document_id"].to_list()
    places = [shown.stdout.rindex(document) for document in documents]
    assert places == sorted(places)


def test_a_serial_number_is_found_as_it_is_scanned(built_world):
    serial = built_world.query("select serial_number from serials order by all limit 1").item()
    assert _serialake(built_world.home, "serial", f" {serial.lower()} ").returncode == 0


def test_a_unit_is_shown_where_it_was_at_a_moment_and_as_it_was_known(built_world):
    unit = built_world.query(
        """select * from serial_stays
        where unit_state = 'in_stock' and valid_to_at < '9999-01-01' and valid_to_at - valid_from_at > interval 3 days
        order by all limit 1"""
    ).row(0, named=True)
    serial, moment = unit["serial_number"], unit["valid_from_at"] + (unit["valid_to_at"] - unit["valid_from_at"]) / 2
    there = built_world.query("select * from as_of(?) where serial_number = ? and article_id = ?", moment, serial, unit["article_id"])
    assert there.select("site_id", "unit_state").rows() == [(unit["site_id"], "in_stock")]
    for known in ([], ["--known-at", "2099-01-01"]):
        shown = _serialake(built_world.home, "serial", serial, "--as-of", f"{moment:%Y-%m-%dT%H:%M:%S}", *known)
        assert shown.returncode == 0, shown.stderr
        assert f"Site {unit['site_id']}" in shown.stdout
        assert "State in_stock" in shown.stdout
    unknown = _serialake(built_world.home, "serial", serial, "--known-at", "2000-01-01")
    assert unknown.returncode == 1
    assert "Nothing is known of serial number" in unknown.stderr


def test_an_unknown_serial_number_is_said_to_be_unknown(built_world):
    shown = _serialake(built_world.home, "serial", "NOSUCH")
    assert shown.returncode == 1
    assert "No unit has serial number NOSUCH" in shown.stderr


def test_sql_prints_rows_and_explains_a_wrong_column(built_world):
    assert "with_customer" in _serialake(built_world.home, "sql", "select distinct unit_state from serials").stdout
    wrong = _serialake(built_world.home, "sql", "select nothing_like_it from serials")
    assert wrong.returncode == 1
    assert "nothing_like_it" in wrong.stderr


def test_the_count_plan_of_a_site_is_printed_and_an_unknown_site_is_told(built_world):
    shown = _serialake(built_world.home, "count-plan", "--site", "S101", "--lines", "1")
    first, second = built_world.query("select article_id from count_plan where site_id = 'S101' order by site_rank limit 2")["article_id"]
    assert shown.returncode == 0, shown.stderr
    assert first in shown.stdout
    assert second not in shown.stdout
    unknown = _serialake(built_world.home, "count-plan", "--site", "NONE")
    assert unknown.returncode == 1
    assert "S101" in unknown.stderr


def test_sql_cannot_change_anything(built_world):
    assert _serialake(built_world.home, "sql", "drop view serials").returncode == 1


def test_status_shows_the_last_run_freshness_and_quarantine(built_world):
    shown = _serialake(built_world.home, "status")
    assert "SUCCESS" in shown.stdout
    assert built_world.outcome.run_id in shown.stdout
    for text in ("serial_movements", "min ago", "Quarantined, by reason", "Live up to", "nothing waits in landing/"):
        assert text in shown.stdout


def test_commands_before_the_first_run_say_what_to_do(tmp_path):
    home = Home(tmp_path / "empty")
    home.root.mkdir()
    assert "serialake run" in _serialake(home, "serial", "X").stderr
    assert "serialake run" in _serialake(home, "status").stdout


def test_a_moved_home_is_mended_by_one_run_and_a_second_run_has_nothing_to_do(copied_home):
    first = _serialake(copied_home, "run")
    assert first.returncode == 0, first.stderr
    for text in ("Rows per layer", "Units by status", "Conflicts found", "Seconds per stage", "serialake sql", "serialake ui"):
        assert text in first.stdout
    with duckdb.connect(str(copied_home.published), read_only=True) as connection:
        assert str(copied_home.root) in connection.sql("select sql from duckdb_views() where view_name = 'serials'").fetchone()[0]
    lake = Lake(copied_home.lake)
    versions = {name: lake.version(f"gold/{name}") for name in ("serials", "serial_movements", "stock_daily", "load_manifest")}
    second = _serialake(copied_home, "run")
    assert "Nothing new" in second.stdout
    assert {name: lake.version(f"gold/{name}") for name in versions} == versions


def test_an_open_reader_keeps_its_snapshot_while_a_new_one_is_published(copied_home):
    reader = duckdb.connect(str(copied_home.published), read_only=True)
    before = reader.sql("select count(*) from load_manifest").fetchone()
    (copied_home.landing / "misc").mkdir()
    (copied_home.landing / "misc" / "unexpected.csv").write_text("a\n1\n")
    assert _serialake(copied_home, "run").returncode == 0
    assert reader.sql("select count(*) from load_manifest").fetchone() == before
    reader.close()
    with duckdb.connect(str(copied_home.published), read_only=True) as connection:
        assert connection.sql("select count(*) from load_manifest").fetchone() == (before[0] + 1,)
        assert connection.sql("select reason_code from quarantine").fetchall() == [("unknown_feed",)]


def test_a_run_that_fails_says_why_and_leaves_the_published_file(copied_home):
    published = copied_home.published.read_bytes()
    (copied_home.contracts / "broken.odcs.yaml").write_text("kind: DataContract\nwrong_key: 1\n")
    (copied_home.landing / "new.csv").write_text("a\n1\n")
    failed = _serialake(copied_home, "run")
    assert failed.returncode == 1
    assert "broken.odcs.yaml" in failed.stderr
    assert copied_home.published.read_bytes() == published
    shown = _serialake(copied_home, "status")
    assert "FAILURE" in shown.stdout
    assert "broken.odcs.yaml" in shown.stdout


def test_simulate_writes_feeds_and_the_truth_beside(tmp_path):
    home = Home(tmp_path)
    done = _serialake(
        home, "simulate", "--out", str(tmp_path / "out"), "--days", "30", "--stores", "3", "--articles", "6", "--scale", "0.2"
    )
    assert done.returncode == 0, done.stderr
    assert any((tmp_path / "out" / "sap" / "idoc").glob("mbgmcr_*.xml"))
    assert any((tmp_path / "truth").glob("*.parquet"))
    assert not any((tmp_path / "out").rglob("*.parquet"))
