"""Bad content whose place must be told: file, line and field; and what only the ledger can judge."""

import os
import time
from datetime import datetime

import polars as pl
import pytest
from rich.console import Console

from pipelines.contracts import source_contracts
from pipelines.ingest import ingest
from pipelines.lake import Lake
from pipelines.summary import table_of
from pipelines.warehouse import query
from tests.flow.conftest import must_run
from tests.unit.sources.conftest import document, idoc, item, movement, serial, xml

NAME = "sap/idoc/bad.xml"
GOODS, SALES, LEVELS = "sap/goods_movements", "pos/receipts", "sap/marc"
SCAN = (
    '{"scan_id":"good","device_id":"D1","scanned_at":"2026-03-02T10:00:00Z","site":"S101","action":"receive",'
    '"article":"400558","serial_number":"3SER1"}\n'
)
GOOD = movement(item(), serial("S1"))


def _till(*lines: str, day: str = "20261104") -> str:
    receipt = xml("E1WPB01", KASSID="03", VORGDATUM=day, VORGZEIT="141522", BONNUMMER="B1", BELEGWAERS="USD", segments=list(lines))
    return document(idoc(receipt, IDOCTYP="WPUBON01", MESTYP="WPUBON", SNDPRN="S101"), root="WPUBON01")


def _sold(number: str, sign: str, **fields: str) -> str:
    given = {"QUALARTNR": "ARTN", "ARTNR": "000000000000400558", "SERIENNR": number, "VORZEICHEN": sign, "MENGE": "1.000", **fields}
    return xml("E1WPB02", **given)


NAMELESS = document(movement(item(), serial("S1"), serial("")))
UNSIGNED = _till(_sold("S1", "-"), _sold("S2", "0"))
NO_DAY = document(GOOD, movement(item(), serial("S2"), head={"PSTNG_DATE": "00000000"}))
RENAMED = "MATNR,WERK,SERNP,PLIFZ\n400558,S101,ZSER,3\n"


def _line_of(content: str, what: str, occurrence: int = 1) -> int:
    at = -1
    for _ in range(occurrence):
        at = content.index(what, at + 1)
    return content.count("\n", 0, at) + 1


# Name, content, reason code, line, field, a piece of the sentence, table, records of the file that went on.
REFUSED = {
    "no serial": (NAME, NAMELESS, "serial_missing", _line_of(NAMELESS, "<E1BP2017_GM_SERIALN", 2), "serialno", "both blank", GOODS, 1),
    "unknown sign": (NAME, UNSIGNED, "sign_unknown", _line_of(UNSIGNED, "<E1WPB02", 2), "vorzeichen", "VORZEICHEN in E1WPB02[2]", SALES, 1),
    "no posting date": (
        NAME,
        NO_DAY,
        "required_missing",
        _line_of(NO_DAY, "<E1BP2017_GM_HEAD_01", 2),
        "pstng_date",
        "PSTNG_DATE",
        GOODS,
        1,
    ),
    "renamed column": ("sap/marc_1.csv", RENAMED, "column_missing", 1, None, "werks may have been renamed to WERK", LEVELS, 0),
}


@pytest.fixture
def lake(home):
    return Lake(home.lake)


def _land(home, name, content):
    path = home.landing / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    moment = time.time() - 60
    os.utime(path, (moment, moment))
    return path


def _ingest(home, lake):
    return ingest(home, lake, source_contracts(), now=datetime(2026, 3, 3))


@pytest.mark.parametrize("case", REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_taken_is_refused_with_its_place_and_the_rest_goes_on(home, lake, case):
    name, content, code, line, field, told, table, accepted = case
    _land(home, name, content)
    _land(home, "handheld/scans_1.jsonl", SCAN)
    _ingest(home, lake)
    refused = lake.read("quarantine").row(0, named=True)
    assert {key: refused[key] for key in ("_file", "reason_code", "line", "field")} == {
        "_file": name,
        "reason_code": code,
        "line": line,
        "field": field,
    }
    assert told in refused["reason"]
    assert lake.row_count("quarantine") == 1
    assert lake.read("bronze/handheld/scans")["scan_id"].to_list() == ["good"]
    assert lake.row_count(f"bronze/{table}") == accepted
    counts = lake.read("manifest").filter(pl.col("file") == name).select("records_in", "records_accepted", "records_quarantined")
    assert counts.row(0) == (accepted + 1, accepted, 1)


def test_a_name_that_is_not_utf_8_is_kept_with_its_bytes(home, lake):
    _land(home, os.fsdecode(b"handheld/scans_\xe4.jsonl"), SCAN)
    assert _ingest(home, lake).files == {"loaded": 1}
    assert lake.read("bronze/handheld/scans")["_file"].to_list() == [r"handheld/scans_\xe4.jsonl"]
    assert _ingest(home, lake).files == {}


def test_what_rich_would_take_for_markup_is_shown_as_it_is(capsys):
    console = Console(width=120)
    console.print(table_of("Quarantined", pl.DataFrame({"reason": ["[/bad] of [red]S1"]})))
    assert "[/bad] of [red]S1" in capsys.readouterr().out


def test_a_file_taken_away_during_the_run_leaves_nothing_half_and_the_next_try_takes_the_rest(home, lake, monkeypatch):
    from pipelines import ingest as module

    really = module.content_sha256

    def taken_away(path):
        digest = really(path)
        if path.name == "gone.xml":
            path.unlink()
        return digest

    _land(home, "sap/idoc/gone.xml", document(GOOD))
    _land(home, "handheld/scans_1.jsonl", SCAN)
    with monkeypatch.context() as patch:
        patch.setattr(module, "content_sha256", taken_away)
        with pytest.raises(FileNotFoundError, match=r"gone\.xml"):
            _ingest(home, lake)
    assert lake.row_count("manifest") == 0
    assert _ingest(home, lake).files == {"loaded": 1}


@pytest.mark.slow
def test_signs_of_the_till_and_serials_that_the_profile_demands_are_judged_by_the_ledger(home):
    """A go-live, a line in bulk before and one after it, a sale, and two units of which one comes back."""
    day = {"PSTNG_DATE": "20250303", "DOC_DATE": "20250303"}
    _land(home, "sap/t377p_1.csv", "SERAIL,SERTX,MMSL_USAGE\nZSER,Phones,03\nZOPT,Cables,02\n")
    _land(home, "sap/marc_1.csv", "MATNR,WERKS,SERNP\n400558,S101,ZSER\n400559,S101,ZOPT\n")
    live = movement(item(), serial("S1"), serial("S2"), head={**day, "REF_DOC_NO": "LIVE"})
    before = movement(item(), head={"PSTNG_DATE": "20250302", "DOC_DATE": "20250302", "REF_DOC_NO": "BEFORE"}, DOCNUM="2")
    after = movement(item(), item(MATERIAL="000000000000400559"), head={**day, "REF_DOC_NO": "AFTER"}, DOCNUM="3")
    goods = document(live, before, after)
    _land(home, "sap/idoc/goods.xml", goods)
    _land(home, "sap/idoc/sold.xml", _till(_sold("S1", "-"), _sold("S2", "-"), day="20250310"))
    _land(home, "sap/idoc/back.xml", _till(_sold("S2", "+", REFBONNR="B1"), day="20250312"))
    must_run(home, "facts")
    states = query(home.published, "select serial_number, unit_state from serials order by all").rows()
    assert states == [("S1", "with_customer"), ("S2", "in_stock")]
    sold = query(home.published, "select sum(units_sold), sum(units_returned) from sales_daily").row(0)
    assert sold == (2, 1)
    refused = query(home.published, "select stage_name, reason_code, file, line, field_name, reason from quarantine").row(0)
    line = _line_of(goods, "<E1BP2017_GM_ITEM_CREATE", 3)
    assert refused[:5] == ("ledger", "serial_missing", "sap/idoc/goods.xml", line, "serialno")
    assert "moves article 400558 at site S101 without a serial number, which serial number profile ZSER demands" in refused[5]
    assert query(home.published, "select count(*) from quarantine").item() == 1
