"""What PeopleSoft is told of each business day: once, valued, and corrected by files of their own."""

from __future__ import annotations

import csv
from datetime import datetime, timedelta
from io import StringIO

import pytest
from lxml import etree

from pipelines.feeds import FeedError, feeding
from pipelines.feeds.sent import LINES
from pipelines.warehouse import query
from tests.unit.feeds.support import DAY_1, DAY_2, DAY_3, NOW, acknowledge, bought, feed, moved, outbox, price, publish, settings


def adjustments(content: bytes) -> list[tuple]:
    """Sign, quantity, site, movement type and serial numbers of each line."""
    lines = etree.fromstring(content).find("MsgData").iter("BCT_INV_ADJ")
    fields = ("ADJUST_TYPE", "QTY", "STOR_LEVEL_1", "REASON_CD")
    return [(*map(line.findtext, fields), [serial.findtext("SERIAL_ID") for serial in line.iter("BCT_INV_SER")]) for line in lines]


def journal(content: bytes, kind: str) -> list[list[str]]:
    return [row[1:] for row in csv.reader(StringIO(content.decode())) if row[0] == kind]


def states(home) -> dict[str, str]:
    return dict(query(home.published, "select feed_key, state_code from feed_acknowledgements").iter_rows())


@pytest.fixture
def sold(home):
    """Two units bought on day 1, one of them sold on day 2."""
    lake = publish(home, [bought("A"), bought("B"), moved("A", 2, DAY_2, "251", "with_customer")])
    price(lake)
    return lake


def test_each_business_day_and_kind_is_one_file(home, sold):
    fed = feed(home, sold)
    assert sorted(fed.written) == [
        "peoplesoft/20260302_journal_00.csv",
        "peoplesoft/20260302_purchase_order_receipt_00.xml",
        "peoplesoft/20260303_inventory_adjustment_00.xml",
        "peoplesoft/20260303_journal_00.csv",
    ]
    assert sorted(outbox(home)) == [name.removeprefix("peoplesoft/") for name in sorted(fed.written)]
    assert states(home) == {
        "JL-20260302-00": "written",
        "PR-20260302-00": "written",
        "IA-20260303-00": "written",
        "JL-20260303-00": "written",
    }


def test_a_receipt_names_its_order_its_units_and_its_control_total(home, sold):
    feed(home, sold)
    root = etree.fromstring(outbox(home)["20260302_purchase_order_receipt_00.xml"])
    assert [child.tag for child in root] == ["FieldTypes", "MsgData"]
    (line,) = root.find("MsgData").iter("BCT_PO_RECV")
    told = {field.tag: field.text for field in line if len(field) == 0}
    assert told == {
        "BUSINESS_UNIT": "US001", "LINE_NBR": "1", "PO_ID": "4500000001", "INV_ITEM_ID": "400501", "QTY_SH_RECVD": "2",
        "UNIT_OF_MEASURE": "EA", "VENDOR_ID": "100012", "LOCATION": "DC01", "STORAGE_AREA": "0001", "SHIPMENT_NO": "D101",
    }  # fmt: skip
    assert [serial.findtext("SERIAL_ID") for serial in line.iter("BCT_RECV_SER")] == ["A", "B"]
    (control,) = root.find("MsgData").iter("SLK_CONTROL")
    assert [field.text for field in control] == ["PR-20260302-00", "USD", "2", "2", "838.60"]
    declared = {record.tag: {field.tag for field in record} for record in root.find("FieldTypes")}
    assert {field.tag for field in line if len(field) == 0} == declared["BCT_PO_RECV"]


def test_a_journal_balances_unit_by_unit_at_the_price_the_unit_was_bought_for(home, sold):
    feed(home, sold)
    content = outbox(home)["20260303_journal_00.csv"]
    assert journal(content, "H") == [["US001", "S260303000", "03032026", "ACTUALS", "SLK", "USD", "JL-20260303-00"]]
    assert journal(content, "L") == [
        ["US001", "1", "ACTUALS", "140000", "-419.30", "USD", "-1", "251", "D251", "400501", "A", "PURCHASE ORDER"],
        ["US001", "2", "ACTUALS", "500100", "419.30", "USD", "", "251", "D251", "400501", "A", "PURCHASE ORDER"],
    ]
    assert journal(content, "C") == [["US001", "S260303000", "USD", "2", "-1", "419.30", "419.30", "0"]]


def test_a_unit_without_a_price_says_so_and_gets_no_amount(home):
    lake = publish(home, [moved("A", 1, DAY_1, "561", "in_stock", "S101", "0001")])
    feed(home, lake)
    assert [row[4] + row[11] for row in journal(outbox(home)["20260302_journal_00.csv"], "L")] == ["NO PRICE KNOWN", "NO PRICE KNOWN"]
    row = query(home.published, "select amount, records_without_value from feed_acknowledgements where kind_name = 'journal'").row(0)
    assert row == (None, 1)


def test_a_transfer_leaves_one_site_and_enters_another(home):
    out = moved("A", 2, DAY_2, "641", "in_transit", "S101")
    into = moved("A", 3, DAY_3, "101", "in_stock", "S101", "0002", purchase_order_id="4600000001")
    lake = publish(home, [bought("A"), out, into])
    feed(home, lake)
    files = outbox(home)
    assert adjustments(files["20260303_inventory_adjustment_00.xml"]) == [("D", "1", "DC01", "641", ["A"])]
    # A stock transport order is no purchase: the unit was the company's own before.
    assert adjustments(files["20260304_inventory_adjustment_00.xml"]) == [("I", "1", "S101", "101", ["A"])]


def test_between_storage_locations_stock_moves_and_nothing_is_posted(home):
    lake = publish(home, [bought("A"), moved("A", 2, DAY_2, "311", "in_stock", "DC01", "0006")])
    feed(home, lake)
    files = outbox(home)
    assert adjustments(files["20260303_inventory_adjustment_00.xml"]) == [
        ("D", "1", "DC01", "311", ["A"]),
        ("I", "1", "DC01", "311", ["A"]),
    ]
    assert "20260303_journal_00.csv" not in files


def test_between_business_units_the_value_is_posted_twice(home):
    lake = publish(home, [bought("A"), moved("A", 2, DAY_2, "301", "in_stock", "S101", "0001")])
    price(lake)
    feed(home, lake, chosen=settings(home, units=("by_site: {}", 'by_site: {S101: "US002"}')))
    lines = [(row[0], row[3], row[4]) for row in journal(outbox(home)["20260303_journal_00.csv"], "L")]
    assert lines == [
        ("US001", "140000", "-419.30"),
        ("US001", "141000", "419.30"),
        ("US002", "140000", "419.30"),
        ("US002", "141000", "-419.30"),
    ]


def test_a_change_that_leaves_the_place_is_no_adjustment(home):
    lake = publish(home, [bought("A"), moved("A", 2, DAY_2, "344", "in_stock", "DC01", "0001")])
    assert sorted(feed(home, lake).written) == ["peoplesoft/20260302_journal_00.csv", "peoplesoft/20260302_purchase_order_receipt_00.xml"]


def test_a_day_written_again_has_the_same_bytes_whatever_came_later(home, sold):
    feed(home, sold)
    before = outbox(home)
    for path in (home.root / "outbox" / "peoplesoft").iterdir():
        path.unlink()
    lake = publish(home, [bought("A"), bought("B"), moved("A", 2, DAY_2, "251", "with_customer"), bought("C", DAY_3, order="4500000002")])
    fed = feed(home, lake, now=NOW + timedelta(days=1))
    assert len(fed.put_back) == 4
    assert {name: content for name, content in outbox(home).items() if name in before} == before
    assert feed(home, lake, now=NOW + timedelta(days=2), days=(DAY_1, DAY_3)).written == ()


def test_a_file_that_somebody_changed_is_put_back(home, sold):
    feed(home, sold)
    path = home.root / "outbox" / "peoplesoft" / "20260303_journal_00.csv"
    kept = path.read_bytes()
    path.write_bytes(b"changed")
    assert feed(home, sold).put_back == ("peoplesoft/20260303_journal_00.csv",)
    assert path.read_bytes() == kept


def test_other_settings_do_not_change_what_was_sent(home, sold):
    feed(home, sold)
    before = outbox(home)
    other = settings(home, account=('"140000"', '"777777"'), record=("BCT_INV_ADJ", "OTHER"))
    for path in (home.root / "outbox" / "peoplesoft").iterdir():
        path.unlink()
    assert feed(home, sold, chosen=other).written == ()
    assert outbox(home) == before


def test_a_late_fact_goes_into_a_correction_with_its_own_key(home, sold):
    feed(home, sold)
    before = outbox(home)
    lake = publish(home, [bought("A"), bought("B"), moved("A", 2, DAY_2, "251", "with_customer"), moved("B", 2, DAY_2, "551", "scrapped")])
    fed = feed(home, lake)
    assert fed.written == ("peoplesoft/20260303_inventory_adjustment_01.xml", "peoplesoft/20260303_journal_01.csv")
    assert adjustments(outbox(home)["20260303_inventory_adjustment_01.xml"]) == [("D", "1", "DC01", "551", ["B"])]
    assert before.items() <= outbox(home).items()


def test_what_no_longer_holds_is_taken_back_as_it_was_valued(home, sold):
    feed(home, sold)
    lake = publish(home, [bought("A"), bought("B")])
    price(lake, amount=999.0)
    feed(home, lake)
    assert adjustments(outbox(home)["20260303_inventory_adjustment_01.xml"]) == [("I", "1", "DC01", "251", ["A"])]
    assert [row[4] for row in journal(outbox(home)["20260303_journal_01.csv"], "L")] == ["419.30", "-419.30"]
    assert feed(home, lake).written == ()


def test_a_price_that_comes_late_is_posted_and_one_that_changes_is_not(home):
    lake = publish(home, [bought("A")])
    feed(home, lake)
    price(lake)
    assert feed(home, lake).written == ("peoplesoft/20260302_journal_01.csv",)
    rows = [(row[4], row[6]) for row in journal(outbox(home)["20260302_journal_01.csv"], "L")]
    assert sorted(rows) == [("", ""), ("", "-1"), ("-419.30", ""), ("419.30", "1")]
    price(lake, amount=999.0)
    assert feed(home, lake).written == ()


def test_a_refused_file_is_sent_again_when_what_it_says_has_changed_or_on_demand(home, sold):
    feed(home, sold)
    acknowledge(sold, "JL-20260303-00", "refused", reason_code="ACCT", reason="account 140000 is closed")
    assert feed(home, sold).written == ()
    assert states(home)["JL-20260303-00"] == "refused"
    assert feed(home, sold, chosen=settings(home, account=('"140000"', '"140001"'))).written == ("peoplesoft/20260303_journal_01.csv",)
    assert [row[3] for row in journal(outbox(home)["20260303_journal_01.csv"], "L")] == ["140001", "500100"]
    acknowledge(sold, "JL-20260303-01", "refused")
    assert feed(home, sold, chosen=settings(home, account=('"140000"', '"140001"')), is_resent=True).written == (
        "peoplesoft/20260303_journal_02.csv",
    )


def test_the_newest_word_about_a_file_counts(home, sold):
    feed(home, sold)
    acknowledge(sold, "IA-20260303-00", "refused", at=NOW)
    acknowledge(sold, "IA-20260303-00", "accepted", at=NOW + timedelta(hours=1), records=1, reference="TX1")
    acknowledge(sold, "PR-20260302-00", "accepted", at=NOW, records=1)
    acknowledge(sold, "IA-20270101-00", "accepted", at=NOW)
    feed(home, sold, now=NOW + timedelta(days=3))
    assert states(home) == {
        "IA-20260303-00": "acknowledged",
        "IA-20270101-00": "unknown_file",
        "JL-20260302-00": "overdue",
        "JL-20260303-00": "overdue",
        "PR-20260302-00": "incomplete",
    }
    told = query(home.published, "select reason from feed_acknowledgements where feed_key = 'PR-20260302-00'").item()
    assert told == "1 of 2 records were taken"


def test_a_day_that_is_not_over_is_refused(home, sold):
    with pytest.raises(FeedError, match="2026-03-03 is not over"):
        feed(home, sold, now=datetime(2026, 3, 3, 23, 59), days=(DAY_2, DAY_2))
    assert sorted(feed(home, sold, now=datetime(2026, 3, 3, 23, 59)).written) == [
        "peoplesoft/20260302_journal_00.csv",
        "peoplesoft/20260302_purchase_order_receipt_00.xml",
    ]


@pytest.mark.parametrize("step", ["_record_files", "_put_back", "_write"])
def test_a_crash_at_any_step_leaves_the_same_files(home, sold, monkeypatch, step):
    def crash(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    real, calls = getattr(feeding, step), []

    def second(*given: object, **named: object) -> object:
        calls.append(1)
        return crash() if len(calls) == 2 else real(*given, **named)

    # The first call of the first records what an earlier crash left, and is none; of the others, the first is the crash.
    monkeypatch.setattr(feeding, step, second if step != "_put_back" else crash)
    with pytest.raises(KeyboardInterrupt):
        feed(home, sold)
    monkeypatch.undo()
    feed(home, sold)
    crashed = outbox(home)
    assert sorted(crashed) == [
        "20260302_journal_00.csv", "20260302_purchase_order_receipt_00.xml", "20260303_inventory_adjustment_00.xml",
        "20260303_journal_00.csv",
    ]  # fmt: skip
    assert sold.row_count(LINES) == 6
    assert feed(home, sold).written == ()
    assert outbox(home) == crashed
