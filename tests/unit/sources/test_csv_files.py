"""CSV files: headers, separators, quotes, and what is refused by line or whole."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

import pytest

MARA = "sap/mara_20260302.csv"
COUNTS = "wms/counts_20260302.csv"
HEADER = "count_document,site,storage_location,counted_at,article,serial_number,quantity"


def count(**values: str) -> str:
    """One line of a count that lacks nothing."""
    given = {
        "count_document": "C1",
        "site": "DC01",
        "storage_location": "0001",
        "counted_at": "2026-03-02T10:00:00Z",
        "article": "400558",
        "serial_number": "S1",
        "quantity": "1",
    }
    return ",".join({**given, **values}.values())


def test_columns_are_found_by_name_in_any_case_and_order_and_extra_ones_are_ignored(read):
    extracted = read(MARA, "EXTRA,Meins, MATNR ,ersda\nx,EA,000000000000400558,20260131\n")
    assert extracted.accepted["sap/mara"].select("matnr", "meins", "ersda", "mtart", "_line").rows() == [
        ("000000000000400558", "EA", date(2026, 1, 31), None, 2)
    ]


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_every_separator_byte_order_mark_and_line_end_is_understood(read, separator, mark, end):
    content = mark + end.join([separator.join(row) for row in (["MATNR", "MTART"], ["1", "HAWA"], ["2", ""])]) + end
    assert read(MARA, content).accepted["sap/mara"].select("matnr", "mtart").rows() == [("1", "HAWA"), ("2", None)]


def test_a_quoted_value_may_hold_line_ends_separators_and_quotes(read):
    content = 'MATNR,SPRAS,MAKTX\n1,E,"Phone ""X"",\n128 GB"\n\n2,E,Tablet\n'
    rows = read("sap/makt_1.csv", content).accepted["sap/makt"]
    assert rows.select("matnr", "maktx", "_line").rows() == [("1", 'Phone "X",\n128 GB', 2), ("2", "Tablet", 5)]


def test_an_inch_mark_within_a_value_is_kept(read):
    assert read("sap/makt_1.csv", 'MATNR,SPRAS,MAKTX\n1,E,Tablet 10" black\n').accepted["sap/makt"]["maktx"].to_list() == [
        'Tablet 10" black'
    ]


def test_a_header_alone_is_accepted_with_no_records(read):
    extracted = read(COUNTS, HEADER + "\n")
    assert (extracted.records_in, extracted.records_accepted, extracted.refused_whole) == (0, 0, False)
    assert extracted.accepted["wms/counts"].height == 0


def test_a_missing_required_column_refuses_the_file_and_names_what_it_may_be_now(read, refused):
    extracted = read(COUNTS, "count_document,site,counted_at,articel,qty,foo\nC1,DC01,2026-03-02,1,1,x\n")
    row = refused(extracted)
    assert (row["reason_code"], row["table_name"], extracted.refused_whole) == ("column_missing", "wms/counts", True)
    assert "lacks the required columns article, quantity" in row["reason"]
    assert "article may have been renamed to articel" in row["reason"]
    assert "It has count_document, site, counted_at, articel, qty, foo." in row["reason"]
    assert row["raw_record"].startswith("count_document,site,")


def test_a_column_named_twice_refuses_the_file(read, refused):
    row = refused(read(MARA, "MATNR,matnr\n1,2\n"))
    assert row["reason_code"] == "column_duplicate"
    assert "names matnr twice" in row["reason"]


@pytest.mark.parametrize(("line", "fields"), [("C1,DC01", 2), (count() + ",more", 8)])
def test_a_ragged_line_is_refused_and_the_rest_goes_on(read, refused, line, fields):
    extracted = read(COUNTS, "\n".join([HEADER, count(), line, count(serial_number="S2")]))
    row = refused(extracted)
    assert (row["reason_code"], row["line"], row["raw_record"]) == ("ragged_line", 3, line)
    assert f"Line 3 has {fields} fields where the header has 7" in row["reason"]
    assert extracted.accepted["wms/counts"]["serial_number"].to_list() == ["S1", "S2"]


def test_quotes_that_do_not_pair_refuse_their_line(read, refused):
    extracted = read(COUNTS, "\n".join([HEADER, count(site='"DC"01'), count()]))
    row = refused(extracted)
    assert (row["reason_code"], row["line"]) == ("bad_quotes", 2)
    assert "quotation marks that do not pair" in row["reason"]
    assert extracted.accepted["wms/counts"].height == 1


def test_a_quote_that_never_closes_refuses_the_file_from_its_line(read, refused):
    extracted = read(COUNTS, "\n".join([HEADER, count(), count(site='"DC01'), *[count()] * 9]))
    row = refused(extracted)
    assert (row["reason_code"], row["line"], extracted.refused_whole) == ("malformed_csv", 3, True)
    assert "The record that begins in line 3 never ends" in row["reason"]


def test_bytes_that_are_not_utf_8_refuse_the_file_with_offset_and_line(read, refused):
    extracted = read("sap/makt_1.csv", b"MATNR,SPRAS,MAKTX\n1,E,Ger\xe4t\n")
    row = refused(extracted)
    assert (row["reason_code"], row["line"], extracted.refused_whole) == ("wrong_encoding", 2, True)
    assert "Byte 25 (0xE4, in line 2) is not UTF-8" in row["reason"]


@pytest.mark.parametrize(
    ("values", "code", "field", "told"),
    [
        ({"site": ""}, "required_missing", "site", "site in line 3 is blank, but wms/counts needs it (Distribution centre)"),
        ({"site": "DC001"}, "too_long", "site", "is 'DC001', longer than the 4 characters that site may have"),
        ({"counted_at": "2026-02-30T10:00:00Z"}, "bad_date", "counted_at", "is '2026-02-30T10:00:00Z', which is no moment"),
        ({"quantity": "one"}, "bad_number", "quantity", "is 'one', which is no number"),
        ({"serial_number": "ABCDEFGHIJ123456789"}, "serial_too_long", "serial_number", "longer than the 18 characters"),
    ],
)
def test_an_unreadable_value_refuses_its_line_with_the_text_as_delivered(read, refused, values, code, field, told):
    extracted = read(COUNTS, "\n".join([HEADER, count(), count(**values), count()]))
    row = refused(extracted)
    assert (row["reason_code"], row["field"], row["line"], row["segment"]) == (code, field, 3, None)
    assert told in row["reason"]
    assert row["raw_record"] == count(**values)
    assert extracted.accepted["wms/counts"]["_line"].to_list() == [2, 4]


def test_the_first_fault_of_a_record_is_told(read, refused):
    row = refused(read(COUNTS, "\n".join([HEADER, count(site="", quantity="one")])))
    assert (row["reason_code"], row["field"]) == ("required_missing", "site")


@pytest.mark.parametrize(
    ("text", "value"),
    [("true", True), ("FALSE", False), ("1", True), ("0", False), ("X", True), ("x", True), ("", False), (" ", False)],
)
def test_booleans_have_many_spellings(read, text, value):
    content = f"calendar_date,region,is_holiday,is_open\n20260302,TX,{text},1\n"
    assert read("marketing/calendar_1.csv", content).accepted["marketing/calendar"]["is_holiday"].to_list() == [value]


def test_a_boolean_that_is_neither_is_refused(read, refused):
    row = refused(read("marketing/calendar_1.csv", "calendar_date,region,is_holiday,is_open\n20260302,TX,maybe,1\n"))
    assert (row["reason_code"], row["field"]) == ("bad_boolean", "is_holiday")
    assert "'maybe', which is neither true nor false" in row["reason"]


def test_moments_with_an_offset_become_utc(read):
    rows = read(COUNTS, "\n".join([HEADER, count(counted_at="2026-03-02T01:30:00+02:00"), count(counted_at="2026-03-02 10:00")]))
    assert rows.accepted["wms/counts"]["counted_at"].to_list() == [datetime(2026, 3, 1, 23, 30), datetime(2026, 3, 2, 10)]


def test_numbers_may_carry_a_trailing_sign(read):
    content = "MATNR,WERKS,EISBE,PLIFZ\n1,DC01,5.000-,3\n"
    assert read("sap/marc_1.csv", content).accepted["sap/marc"].select("eisbe", "plifz").rows() == [(Decimal("-5.000"), 3)]


def test_restricted_values_are_masked_in_the_line_that_is_kept(read, refused):
    header = "EQUNR,LBBSA,KUNNR"
    row = refused(read("sap/eqbs_1.csv", f"{header}\n400558326,001,0000700123\n"))
    assert (row["reason_code"], row["field"], row["raw_record"]) == ("too_long", "lbbsa", "400558326,001,***")
    assert refused(read("sap/eqbs_1.csv", f"{header}\n1,0000700123\n"))["raw_record"] == "***"
    whole = refused(read("sap/eqbs_1.csv", "EQUIPMENT,KUNNR\n1,0000700123\n"))
    assert (whole["reason_code"], "0000700123" in whole["raw_record"]) == ("column_missing", False)


def test_records_beyond_the_first_chunk_keep_their_lines(read):
    lines = [count(serial_number=f"S{number}") for number in range(60_000)]
    lines[55_000] = "torn"
    extracted = read(COUNTS, "\n".join([HEADER, *lines]))
    assert (extracted.records_in, extracted.records_accepted) == (60_000, 59_999)
    assert extracted.quarantined["line"].to_list() == [55_002]
    last = extracted.accepted["wms/counts"].row(-1, named=True)
    assert (last["serial_number"], last["_line"]) == ("S59999", 60_001)


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_a_header_of_a_hundred_thousand_columns_is_refused_and_not_recited(read, refused, separator):
    row = refused(read(COUNTS, separator.join(f"column_{number}" for number in range(100_000))))
    assert (row["reason_code"], row["line"]) == ("column_missing", 1)
    assert row["reason"].endswith("column_199 and 99,800 more.")


def test_a_value_longer_than_a_field_may_be_refuses_the_file_from_its_line(read, refused):
    extracted = read(COUNTS, "\n".join([HEADER, count(), count(site="x" * 200_000)]))
    row = refused(extracted)
    assert (row["reason_code"], row["line"], extracted.refused_whole) == ("malformed_csv", 3, True)
