"""Contracts checked: a red one holds back what depends on it, says so everywhere, and waits for a person's decision."""

import json
import os
import subprocess
import sys
import time
from datetime import datetime

import dagster as dg
import polars as pl
import pytest

from pipelines.checks import decisions
from pipelines.checks.gate import check_new_rows, held_back_files, keep_results, red_rules
from pipelines.contracts import published_contracts, source_contracts
from pipelines.home import Home
from pipelines.ingest import MANIFEST, QUARANTINE, ingest
from pipelines.lake import Lake
from pipelines.warehouse import query
from tests.flow.conftest import prepared

CONTRACTS, RESULTS = source_contracts(), published_contracts()["contract_results"]
GOOD = {
    "scan_id": "T1", "device_id": "HH-1", "scanned_at": "2026-03-02T10:00:00Z", "site": "S101", "action": "receive",
    "article": "400501", "serial_number": "NR00000001", "document_id": "D1",
}  # fmt: skip


def _land(home: Home, name: str, rows: list[dict]) -> None:
    path = home.landing / "handheld" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    settled = time.time() - 60
    os.utime(path, (settled, settled))


BAD = [GOOD | {"scan_id": "X1", "action": "teleport"}, GOOD | {"scan_id": "X2"}]
FILE = "handheld/scans_bad.jsonl"


@pytest.fixture(scope="module")
def small_delivery(tmp_path_factory):
    """A home with one scan, built."""
    with pytest.MonkeyPatch.context() as patch:
        home = prepared(tmp_path_factory.mktemp("red") / "home", patch)
        _land(home, "scans_1.jsonl", [GOOD])
        assert _serialake(home, "run").returncode == 0
    return home


def _serialake(home: Home, *arguments: str) -> subprocess.CompletedProcess:
    environment = os.environ | {"SERIALAKE_HOME": str(home.root), "COLUMNS": "200"}
    command = [sys.executable, "-m", "pipelines.cli", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture
def red(small_delivery):
    """The small home after a delivery that breaks its contract, and the run that found it."""
    served = small_delivery.published.read_bytes()
    for path in (small_delivery.landing / "handheld").glob("scans_bad*"):
        path.unlink()
    _land(small_delivery, "scans_bad.jsonl", BAD)
    return small_delivery, served, _serialake(small_delivery, "run")


@pytest.mark.slow
def test_a_red_contract_blocks_and_says_so_until_a_person_decides(red):
    home, served, run = red
    lake = Lake(home.lake)
    # The exit code, and the words.
    assert run.returncode == 1
    assert "contract handheld/scans is broken: action_is_a_known_code, 1 rows, in handheld/scans_bad.jsonl" in run.stderr
    # What was published still serves, byte for byte, and nothing was built.
    assert home.published.read_bytes() == served
    # The Dagster instance, which is what the UI shows.
    with dg.DagsterInstance.from_config(str(home.dagster)) as instance:
        newest = instance.get_runs(limit=1)[0]
        assert newest.status == dg.DagsterRunStatus.FAILURE
        events = instance.all_logs(newest.run_id)
        started = {e.step_key for e in events if e.dagster_event and e.dagster_event.event_type_value == "STEP_START"}
        assert "check_contracts" in started
        assert not started & {"build_marts", "publish_tables", "train_demand"}
        evaluated = instance.all_logs(newest.run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION)
        checks = [e.dagster_event.asset_check_evaluation_data for e in evaluated]
        failed = [c for c in checks if not c.passed and c.severity == dg.AssetCheckSeverity.ERROR]
        assert [c.asset_key.to_user_string() for c in failed] == ["bronze/handheld/scans"]
        told = failed[0].metadata["action_is_a_known_code"].value
        assert told["first_of_them"] == [{"scan_id": "X1", "file": FILE, "line": "1"}]
        assert "data:image/png;base64," in failed[0].metadata["broken rows by check"].value
    # The status, and a second run: still red, and not one result more.
    status = _serialake(home, "status")
    assert "action_is_a_known_code" in status.stdout
    assert "serialake reject FILE" in status.stdout
    kept = lake.row_count("gold/contract_results")
    assert _serialake(home, "run").returncode == 1
    assert lake.row_count("gold/contract_results") == kept
    # Rejected, its rows are in quarantine, and the next run is green.
    assert _serialake(home, "reject", FILE, "--reason", "firmware").returncode == 0
    after = _serialake(home, "run")
    assert after.returncode == 0, after.stderr
    assert query(home.published, "select count(*) from serial_movements").item() == 1
    assert query(home.published, "select reason_code, file from quarantine where stage_name = 'extract'").rows() == [("rejected", FILE)] * 2
    row = query(
        home.published, "select status_name, records_in, records_accepted, records_quarantined from load_manifest where file = ?", [FILE]
    )
    assert row.row(0) == ("rejected", 2, 0, 2)
    broken = query(
        home.published, "select rows_broken, is_passed from contract_results where rule_name = 'action_is_a_known_code' order by checked_at"
    )
    assert broken.rows() == [(0, True), (1, False), (0, True)]
    assert "Nothing new" in _serialake(home, "run").stdout


@pytest.fixture
def landed(tmp_path, monkeypatch):
    """A lake with one good and one bad file, checked."""
    home = prepared(tmp_path / "home", monkeypatch)
    _land(home, "scans_1.jsonl", [GOOD])
    _land(home, "scans_bad.jsonl", BAD)
    lake = Lake(home.lake)
    ingest(home, lake, CONTRACTS, now=datetime(2026, 3, 3, 2))
    return home, lake


def _check(lake, hour=3):
    found = check_new_rows(lake, CONTRACTS, now=datetime(2026, 3, 3, hour))
    return found, keep_results(lake, RESULTS, found, now=datetime(2026, 3, 3, hour))


def test_a_red_table_is_judged_again_until_it_is_accepted(landed):
    _, lake = landed
    assert _check(lake)[1] > 0
    assert red_rules(lake).select("table", "rule", "broken").rows() == [("handheld/scans", "action_is_a_known_code", 1)]
    assert held_back_files(lake) == {FILE}
    assert _check(lake, hour=4)[1] == 0
    decisions.accept(lake, FILE, held_back={FILE}, reason="a new device", now=datetime(2026, 3, 3, 5))
    found, _ = _check(lake, hour=6)
    assert not any(table.is_red for table in found)
    assert red_rules(lake).is_empty()
    # Accepted once is accepted: nothing is new any more.
    assert _check(lake, hour=7)[1] == 0
    assert lake.row_count("bronze/handheld/scans") == 3


def test_only_files_that_a_contract_holds_back_can_be_decided_on(landed):
    _, lake = landed
    _check(lake)
    with pytest.raises(decisions.DecisionError, match="not held back by a contract; those that are: handheld/scans_bad"):
        decisions.reject(lake, CONTRACTS, "handheld/scans_1.jsonl", held_back=held_back_files(lake), reason="", now=datetime(2026, 3, 3))


@pytest.mark.parametrize("step", ["append_batch_once", "delete", "update", "_decide"])
@pytest.mark.parametrize("is_done", [False, True], ids=["before", "after"])
def test_a_rejection_broken_off_anywhere_is_made_up_by_the_next(landed, monkeypatch, step, is_done):
    _, lake = landed
    _check(lake)
    owner = decisions if step == "_decide" else Lake
    real = getattr(owner, step)

    def breaks(*arguments, **options):
        if is_done:
            real(*arguments, **options)
        raise KeyboardInterrupt

    def reject():
        return decisions.reject(lake, CONTRACTS, FILE, held_back=held_back_files(lake), reason="firmware", now=datetime(2026, 3, 3, 5))

    with monkeypatch.context() as patch:
        patch.setattr(owner, step, breaks)
        with pytest.raises(KeyboardInterrupt):
            reject()
    reject()
    manifest = lake.read(MANIFEST)
    assert manifest.select((pl.col("records_in") == pl.col("records_accepted") + pl.col("records_quarantined")).all()).item()
    assert lake.row_count("bronze/handheld/scans") == 1
    assert lake.read("bronze/handheld/scans")["scan_id"].to_list() == ["T1"]
    assert sorted(lake.read(QUARANTINE)["reason_code"]) == ["rejected", "rejected"]
    assert lake.read(decisions.DECISIONS).select("file", "decision").rows() == [(FILE, "rejected")]


def test_a_corrected_file_can_be_delivered_after_a_rejection(landed):
    home, lake = landed
    _check(lake)
    decisions.reject(lake, CONTRACTS, FILE, held_back={FILE}, reason="firmware", now=datetime(2026, 3, 3, 5))
    _land(home, "scans_bad_corrected.jsonl", [GOOD | {"scan_id": "X1", "action": "transfer"}, GOOD | {"scan_id": "X2"}])
    ingest(home, lake, CONTRACTS, now=datetime(2026, 3, 3, 6))
    _check(lake, hour=7)
    assert red_rules(lake).is_empty()
    assert sorted(lake.read("bronze/handheld/scans")["scan_id"]) == ["T1", "X1", "X2"]


def test_a_supplier_gets_the_verdict_of_the_run_before_sending(landed, tmp_path):
    home, _ = landed
    nowhere = Home(tmp_path / "supplier")
    bad = _serialake(nowhere, "check", str(home.landing / FILE))
    good = _serialake(nowhere, "check", str(home.landing / "handheld/scans_1.jsonl"), "--as", "handheld/scans_today.jsonl")
    assert (bad.returncode, good.returncode) == (1, 0)
    assert "2 records = 2 accepted + 0 refused" in bad.stdout
    assert "error action_is_a_known_code: 1 of 2 rows" in bad.stdout
    assert "Lines 1." in bad.stdout
    assert "32 of 32 rules kept" in good.stdout
    assert not nowhere.published.exists()


def test_a_supplier_is_told_of_records_that_would_be_refused(tmp_path):
    path = tmp_path / "mara.csv"
    path.write_text("MATNR,MAKTX\n400501,Phone\n")
    told = _serialake(Home(tmp_path / "supplier"), "check", str(path), "--as", "sap/unheard_of.csv")
    assert told.returncode == 1
    assert "refused unknown_feed" in told.stdout


def test_results_of_the_nightly_run_are_published(built_world):
    results = built_world.query(
        "select table_name, sum(rows_broken) filter (severity_code = 'error') as errors from contract_results group by all"
    )
    assert results["errors"].fill_null(0).sum() == 0
    filled = {
        table
        for tables in built_world.query("select table_names from load_manifest where table_names <> ''")["table_names"]
        for table in tables.split(",")
    }
    assert set(results["table_name"]) == filled
    checked = built_world.query(
        "select rows_checked from contract_results where table_name = 'sap/goods_movements' and rule_name = 'pstng_date_is_given'"
    )
    assert checked.item() == Lake(built_world.home.lake).row_count("bronze/sap/goods_movements")
    # The one that fails is that of initial loads, some of which are planted wrong.
    assert built_world.outcome.checks["failed"] == 1
    assert built_world.outcome.checks["passed"] > 80
