"""JSON lines: one object per line, each judged on its own."""

from __future__ import annotations

import json
from datetime import datetime

import pytest

NAME = "handheld/scans_20260302.jsonl"
TABLE = "handheld/scans"
SCAN = {
    "scan_id": "D1-1",
    "device_id": "D1",
    "scanned_at": "2026-03-02T08:30:00Z",
    "site": "S101",
    "action": "receive",
    "article": "400558",
    "serial_number": "S1",
}


def lines(*scans: dict | str) -> str:
    """A file of these objects, or of texts as they are."""
    return "\n".join(scan if isinstance(scan, str) else json.dumps(scan) for scan in scans) + "\n"


def test_each_line_is_a_record_and_absent_keys_are_null(read):
    extracted = read(NAME, lines(SCAN, "", "   ", {**SCAN, "scan_id": "D1-2", "to_site": "S102", "unknown": [1, {"a": 2}]}))
    assert extracted.records_in == 2
    rows = extracted.accepted[TABLE].select("scan_id", "to_site", "storage_location", "scanned_at", "_line").rows()
    assert rows == [("D1-1", None, None, datetime(2026, 3, 2, 8, 30), 1), ("D1-2", "S102", None, datetime(2026, 3, 2, 8, 30), 4)]


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-03-02T08:30:00Z", datetime(2026, 3, 2, 8, 30)),
        ("2026-03-02T08:30:00.123456Z", datetime(2026, 3, 2, 8, 30, 0, 123456)),
        ("2026-03-02T08:30:00.5+05:30", datetime(2026, 3, 2, 3, 0, 0, 500000)),
        ("2026-03-02T20:30:00-0500", datetime(2026, 3, 3, 1, 30)),
        ("2026-03-02T08:30:00", datetime(2026, 3, 2, 8, 30)),
    ],
)
def test_moments_become_utc_without_zone(read, text, moment):
    assert read(NAME, lines({**SCAN, "scanned_at": text}, SCAN)).accepted[TABLE]["scanned_at"].to_list()[0] == moment


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ('{"scan_id": "D1-1", ', "Line 2 is no JSON"),
        ("not json", "Line 2 is no JSON"),
        ("[1, 2]", "Line 2 is JSON, but no object"),
        ('"text"', "Line 2 is JSON, but no object"),
        ("null", "Line 2 is JSON, but no object"),
        ("42", "Line 2 is JSON, but no object"),
        ('{"a": NaN}', "NaN is no JSON value"),
        ('{"a": 1} {"b": 2}', "Line 2 is no JSON"),
        ("[" * 100_000, "Line 2 is no JSON"),
        (json.dumps({**SCAN, "site": ["S101"]}), "Line 2 holds a list or an object as site"),
        ('{"scan_id": "\\ud800"}', "half of a character"),
    ],
)
def test_a_line_that_is_no_object_is_refused_and_the_rest_goes_on(read, refused, line, told):
    extracted = read(NAME, lines(SCAN, line, {**SCAN, "scan_id": "D1-3"}))
    row = refused(extracted)
    assert (row["reason_code"], row["line"], row["raw_record"]) == ("bad_json", 2, line[:65_536])
    assert told in row["reason"]
    assert row["reason"].endswith("write one JSON object per line and deliver the record again.")
    assert extracted.accepted[TABLE]["_line"].to_list() == [1, 3]


def test_keys_are_case_sensitive(read, refused):
    wrong = {("Serial_Number" if key == "serial_number" else key): value for key, value in SCAN.items()}
    row = refused(read(NAME, lines(wrong)))
    assert (row["reason_code"], row["field"], row["line"]) == ("required_missing", "serial_number", 1)
    assert row["raw_record"] == json.dumps(wrong)


def test_numbers_are_kept_as_written_where_a_text_is_wanted(read):
    rows = read(NAME, lines({**SCAN, "article": 400558, "serial_number": 12345678901234567})).accepted[TABLE]
    assert rows.select("article", "serial_number").rows() == [("400558", "12345678901234567")]


@pytest.mark.parametrize(
    ("values", "code", "field"),
    [
        ({"scanned_at": "yesterday"}, "bad_date", "scanned_at"),
        ({"site": "S1010"}, "too_long", "site"),
        ({"site": None}, "required_missing", "site"),
        ({"serial_number": "ABCDEFGHIJ123456789"}, "serial_too_long", "serial_number"),
        ({"scan_id": True, "site": True}, None, None),
    ],
)
def test_values_are_judged_by_the_contract(read, values, code, field):
    rows = read(NAME, lines({**SCAN, **values})).quarantined
    assert rows.select("reason_code", "field").rows() == ([(code, field)] if code else [])


def test_bytes_that_are_not_utf_8_refuse_the_file(read, refused):
    extracted = read(NAME, lines(SCAN).encode() + b'{"scan_id": "\xff"}\n')
    row = refused(extracted)
    assert (row["reason_code"], row["line"], extracted.refused_whole) == ("wrong_encoding", 2, True)
    assert "(0xFF, in line 2) is not UTF-8" in row["reason"]


def test_a_byte_order_mark_and_windows_line_ends_are_understood(read):
    assert read(NAME, "\ufeff" + lines(SCAN, SCAN).replace("\n", "\r\n")).accepted[TABLE].height == 2


def test_a_line_longer_than_any_record_is_refused_and_not_unpacked(read, refused):
    row = refused(read(NAME, lines(SCAN, '{"a": [' + "1," * 600_000 + "1]}", SCAN)))
    assert (row["line"], row["reason_code"], len(row["raw_record"])) == (2, "bad_json", 65_536)
    assert "Line 2 has 1,200,010 characters, more than the 1,000,000 of the longest record;" in row["reason"]
