"""Bad files through the whole ingest: refused with a reason, whole or by record, while the good rest goes on."""

import os
import shutil
import time
from datetime import datetime
from decimal import Decimal

import polars as pl
import pytest

from pipelines.contracts import read_contract, source_contracts
from pipelines.home import project_root
from pipelines.ingest import ingest
from pipelines.lake import Lake
from pipelines.landing import content_sha256

MAPPING = project_root() / "tests" / "flow" / "drives.odcs.yaml"
SCAN = (
    '{"scan_id":"%s","device_id":"D1","scanned_at":"2026-03-02T10:00:00Z","site":"S101","action":"receive",'
    '"article":"400558","serial_number":"3SER1"}\n'
)


IDOC = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<MBGMCR03><IDOC BEGIN="1"><EDI_DC40 SEGMENT="1"><DOCNUM>1</DOCNUM>'
    "<IDOCTYP>MBGMCR03</IDOCTYP><MESTYP>MBGMCR</MESTYP></EDI_DC40></IDOC></MBGMCR03>\n"
)
COUNTS = "count_document,site,storage_location,counted_at,article,serial_number,quantity\n"
COUNT = "C1,DC01,0001,2026-03-02T10:00:00Z,400558,{},{}\n"

BAD_FILES = [
    ("sap/idoc/a.xml", IDOC[:120], "malformed_xml", "cut off or broken at line 2"),
    ("sap/idoc/a.xml", IDOC.replace("MBGMCR</MES", "Gerät</MES").encode("latin-1"), "wrong_encoding", "line 2"),
    ("sap/idoc/a.xml", IDOC.replace("<MBGMCR03>", '<!DOCTYPE x [<!ENTITY a "b">]><MBGMCR03>', 1), "unsafe_xml", "document type"),
    ("sap/idoc/a.xml", "EDI_DC40  1000000000000000901740 3012  DELVRY07\n9\n", "malformed_idoc", "record 2 does not begin"),
    ("sap/idoc/a.xml", IDOC.replace("MBGMCR03</IDOCTYP", "INVOIC02</IDOCTYP"), "unknown_idoc_type", "is of type INVOIC02"),
    (
        "wms/counts_1.csv",
        COUNTS.replace("article", "articel") + COUNT.format("S1", 1),
        "column_missing",
        "article may have been renamed to articel",
    ),
    ("wms/counts_1.csv", COUNTS + COUNT.format("S" * 19, 1), "serial_too_long", "longer than the 18 characters"),
    ("wms/counts_1.csv", COUNTS + COUNT.format("S1", "one"), "bad_number", "quantity in line 2 is 'one'"),
    (
        "wms/counts_1.csv",
        COUNTS + COUNT.format("S1", 1).replace("2026-03-02T10:00:00Z", "00000000"),
        "required_missing",
        "counted_at in line 2",
    ),
    ("wms/counts_1.csv", COUNTS.encode() + b"C1,\x00\xff\n", "wrong_encoding", "not UTF-8"),
    ("sap/idoc/a.xml", "<a>" * 400, "malformed_xml", "depth"),
]
"""Name, content, reason code, and what the sentence names."""


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

    def crash(self, table, *given, **named):
        appended = real_append(self, table, *given, **named)
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


@pytest.mark.parametrize(("name", "content", "code", "told"), BAD_FILES, ids=[f"{code}-{n}" for n, (_, _, code, _) in enumerate(BAD_FILES)])
def test_bad_content_is_refused_with_a_reason_while_the_good_rest_goes_on(home, lake, name, content, code, told):
    _land(home, name, content)
    _land(home, "handheld/scans_1.jsonl", SCAN % "a")
    result = _ingest(home, lake)
    assert (result.records_in, result.records_accepted, result.records_quarantined) == (2, 1, 1)
    refused = lake.read("quarantine").row(0, named=True)
    assert (refused["reason_code"], refused["_file"]) == (code, name)
    assert told in refused["reason"]
    assert lake.read("bronze/handheld/scans")["scan_id"].to_list() == ["a"]


def test_numbers_with_a_trailing_sign_and_zero_dates_are_read_as_sap_means_them(home, lake):
    _land(home, "sap/marc_1.csv", "MATNR,WERKS,EISBE,PLIFZ\n1,DC01,5.000-,3\n")
    _land(home, "sap/mara_1.csv", "MATNR,MTART,ERSDA\n1,HAWA,00000000\n")
    result = _ingest(home, lake)
    assert (result.records_in, result.records_accepted) == (2, 2)
    assert lake.read("bronze/sap/marc")["eisbe"].to_list() == [Decimal("-5.000")]
    assert lake.read("bronze/sap/mara")["ersda"].to_list() == [None]


def test_what_is_no_file_is_passed_over_and_any_name_is_taken(home, lake):
    (home.landing / "sap" / "x.xml").mkdir(parents=True)
    (home.landing / "loop").symlink_to(home.landing)
    (home.landing / "gone.csv").symlink_to(home.landing / "nowhere")
    names = ["handheld/scans_'quoted'.jsonl", "handheld/scans_\n.jsonl", "handheld/scans_Größe.jsonl"]
    for number, name in enumerate(names):
        _land(home, name, SCAN % number)
    assert _ingest(home, lake).files == {"loaded": 3}
    assert sorted(lake.read("manifest")["file"]) == sorted(names)


def test_an_empty_landing_is_a_quiet_night(home, lake):
    assert _ingest(home, lake).files == {}


def test_a_file_that_may_not_be_read_is_left_and_named_and_stops_no_other(home, lake, monkeypatch):
    _land(home, "handheld/scans_1.jsonl", SCAN % "a")
    _land(home, "handheld/scans_2.jsonl", SCAN % "b")

    def forbidden(path):
        if path.name == "scans_2.jsonl":
            raise PermissionError(13, "Permission denied", str(path))
        return content_sha256(path)

    monkeypatch.setattr("pipelines.ingest.content_sha256", forbidden)
    result = _ingest(home, lake)
    assert (result.files, result.unfinished) == ({"loaded": 1}, ("handheld/scans_2.jsonl",))


def _drives(home, lake, day):
    return ingest(home, lake, source_contracts(), mappings=[read_contract(MAPPING)], now=datetime(2026, 3, day))


DRIVES = "serial,model,date,event\nS1,M,2026-03-01,installed\n"


def test_a_file_is_read_though_a_copy_that_nobody_claims_comes_before_it_in_the_same_run(home, lake):
    _land(home, "a_copy/unclaimed.csv", DRIVES)
    _land(home, "drives/a.csv", DRIVES)
    assert _drives(home, lake, 4).files == {"refused": 1, "loaded": 1}
    assert lake.read("bronze/tabular/movements")["serial_number"].to_list() == ["S1"]


def test_of_copies_that_can_be_read_one_is_taken_also_over_nights(home, lake):
    for name in ("drives/a.csv", "drives/b.csv"):
        _land(home, name, DRIVES)
    assert _drives(home, lake, 4).files == {"loaded": 1, "duplicate": 1}
    _land(home, "drives/c.csv", DRIVES)
    assert _drives(home, lake, 5).files == {"duplicate": 1}
    manifest = lake.read("manifest").sort("file")
    assert manifest["duplicate_of"].to_list() == [None, *[manifest["_load_id"][0]] * 2]
    assert manifest["_load_id"].n_unique() == 3
    assert lake.row_count("bronze/tabular/movements") == 1


def test_a_crash_and_a_copy_that_went_away_meanwhile_do_not_double_a_record(home, lake, monkeypatch):
    gone = _land(home, "a_copy/unclaimed.csv", DRIVES)
    _land(home, "drives/a.csv", DRIVES)
    real_append = Lake.append_once

    def crash(self, table, *given, **named):
        appended = real_append(self, table, *given, **named)
        if table == "quarantine":
            raise KeyboardInterrupt
        return appended

    with monkeypatch.context() as patch:
        patch.setattr(Lake, "append_once", crash)
        with pytest.raises(KeyboardInterrupt):
            _drives(home, lake, 4)
    gone.unlink()
    _drives(home, lake, 5)
    assert lake.row_count("bronze/tabular/movements") == 1
