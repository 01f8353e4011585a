"""Bad files through the whole ingest: refused with a reason, whole or by record, while the good rest goes on."""

import os
import shutil
import time
from datetime import datetime

import polars as pl
import pytest

from pipelines.contracts import read_contract, source_contracts
from pipelines.home import project_root
from pipelines.ingest import ingest
from pipelines.lake import Lake

MAPPING = project_root() / "tests" / "flow" / "drives.odcs.yaml"
SCAN = (
    '{"scan_id":"%s","device_id":"D1","scanned_at":"2026-03-02T10:00:00Z","site":"S101","action":"receive",'
    '"article":"400558","serial_number":"3SER1"}\n'
)


@pytest.fixture
def lake(home):
    return Lake(home.lake)


def _land(home, name, content, age_seconds=60):
    path = home.landing / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    moment = time.time() - age_seconds
    os.utime(path, (moment, moment))
    return path


def _ingest(home, lake, now=datetime(2026, 3, 3)):
    return ingest(home, lake, source_contracts(), now=now)


def test_good_and_bad_lines_of_one_file_part_ways(home, lake):
    _land(home, "handheld/scans_1.jsonl", SCAN % "a" + "no json\n" + SCAN % "b")
    result = _ingest(home, lake)
    assert (result.records_in, result.records_accepted, result.records_quarantined) == (3, 2, 1)
    assert sorted(lake.read("bronze/handheld/scans")["scan_id"]) == ["a", "b"]
    refused = lake.read("quarantine").row(0, named=True)
    assert (refused["reason_code"], refused["line"], refused["_file"]) == ("bad_json", 2, "handheld/scans_1.jsonl")
    assert refused["raw_record"] == "no json"


def test_the_same_file_twice_and_under_another_name_is_taken_once(home, lake):
    first = _land(home, "handheld/scans_1.jsonl", SCAN % "a")
    _ingest(home, lake)
    shutil.copy(first, first.with_name("scans_again.jsonl"))
    os.utime(first, None)
    time.sleep(0.01)
    result = _ingest(home, lake)
    assert result.files == {"duplicate": 2}
    assert lake.row_count("bronze/handheld/scans") == 1
    assert _ingest(home, lake).files == {}


def test_two_copies_in_one_delivery_are_taken_once(home, lake):
    _land(home, "handheld/scans_1.jsonl", SCAN % "a")
    _land(home, "handheld/scans_2.jsonl", SCAN % "a")
    assert _ingest(home, lake).files == {"loaded": 1, "duplicate": 1}
    assert lake.row_count("bronze/handheld/scans") == 1


def test_corrected_content_under_the_same_name_is_a_new_load(home, lake):
    _land(home, "handheld/scans_1.jsonl", SCAN % "a")
    _ingest(home, lake)
    _land(home, "handheld/scans_1.jsonl", SCAN % "b")
    assert _ingest(home, lake).files == {"loaded": 1}
    assert sorted(lake.read("bronze/handheld/scans")["scan_id"]) == ["a", "b"]


def test_an_unreadable_file_is_kept_whole_and_stops_no_other(home, lake):
    content = b"<MBGMCR03><IDOC BEGIN='1'><EDI_DC40>"
    _land(home, "sap/idoc/broken.xml", content)
    _land(home, "handheld/scans_1.jsonl", SCAN % "a")
    result = _ingest(home, lake)
    assert result.files == {"loaded": 1, "refused": 1}
    refused = lake.read("manifest").filter(pl.col("status") == "refused").row(0, named=True)
    assert (refused["records_in"], refused["records_quarantined"]) == (1, 1)
    assert (home.lake / "refused_files" / refused["content_sha256"]).read_bytes() == content


def test_an_empty_file_is_refused_by_name(home, lake):
    _land(home, "wms/receipts_1.csv", b"")
    _ingest(home, lake)
    assert lake.read("quarantine")["reason_code"].to_list() == ["empty_file"]


def test_a_file_nobody_expects_is_refused_with_what_to_do(home, lake):
    _land(home, "misc/prices.csv", "a,b\n1,2\n")
    _ingest(home, lake)
    refused = lake.read("quarantine").row(0, named=True)
    assert refused["reason_code"] == "unknown_feed"
    assert "contract" in refused["reason"]


def test_a_file_still_being_written_is_left_and_named(home, lake):
    _land(home, "handheld/scans_1.jsonl.part", SCAN % "a")
    result = _ingest(home, lake)
    assert result.unfinished == ("handheld/scans_1.jsonl.part",)
    assert lake.row_count("manifest") == 0


@pytest.mark.parametrize("crash_after", ["bronze/handheld/scans", "quarantine"])
def test_a_crash_between_two_commits_is_made_up_by_the_next_run(home, lake, monkeypatch, crash_after):
    _land(home, "handheld/scans_1.jsonl", SCAN % "a" + "no json\n")
    real_append = Lake.append_once

    def crash(self, table, frame, load_ids):
        appended = real_append(self, table, frame, load_ids)
        if table == crash_after:
            raise KeyboardInterrupt
        return appended

    with monkeypatch.context() as patch:
        patch.setattr(Lake, "append_once", crash)
        with pytest.raises(KeyboardInterrupt):
            _ingest(home, lake)
    assert lake.row_count("manifest") == 0
    _ingest(home, lake, now=datetime(2026, 3, 4))
    assert lake.row_count("bronze/handheld/scans") == 1
    assert lake.row_count("quarantine") == 1
    assert lake.row_count("manifest") == 1


def test_moments_of_ingestion_never_go_back_even_if_the_clock_does(home, lake):
    _land(home, "handheld/scans_1.jsonl", SCAN % "a")
    _ingest(home, lake, now=datetime(2026, 3, 3))
    _land(home, "handheld/scans_2.jsonl", SCAN % "b")
    _ingest(home, lake, now=datetime(2026, 3, 1))
    moments = lake.read("bronze/handheld/scans").sort("scan_id")["_ingested_at"].to_list()
    assert moments[1] > moments[0]


def test_a_file_refused_for_want_of_a_contract_is_read_when_it_comes_again_after_the_contract(home, lake):
    content = "serial,model,date,event\nS1,M,2026-03-01,installed\n"
    _land(home, "drives/a.csv", content)
    assert _ingest(home, lake).files == {"refused": 1}
    mapping = read_contract(MAPPING)
    assert ingest(home, lake, source_contracts(), mappings=[mapping], now=datetime(2026, 3, 4)).files == {}
    _land(home, "drives/a.csv", content, age_seconds=30)
    assert ingest(home, lake, source_contracts(), mappings=[mapping], now=datetime(2026, 3, 5)).files == {"loaded": 1}
    assert lake.read("bronze/tabular/movements")["serial_number"].to_list() == ["S1"]
    assert lake.row_count("manifest") == 2
