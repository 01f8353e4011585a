"""WPUBON: receipt lines become records; payments never do."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

TABLE = "pos/receipts"
NAME = "sap/idoc/wpubon.xml"


@pytest.fixture
def receipt(idocs):
    """Builds one receipt of these segments."""

    def receipt(*segments: str, **fields: object) -> str:
        given = {"KASSID": "03", "VORGDATUM": "20261104", "VORGZEIT": "141522", "BONNUMMER": "B1", "BELEGWAERS": "USD"}
        return idocs.xml("E1WPB01", **{**given, "KUNDNR": "0000700123", **fields}, segments=list(segments))

    return receipt


@pytest.fixture
def line(idocs):
    """Builds one receipt line with these inner segments."""

    def line(*segments: str, **fields: object) -> str:
        given = {"QUALARTNR": "ARTN", "ARTNR": "000000000000400558", "SERIENNR": "S1", "VORZEICHEN": "-", "MENGE": "1.000"}
        return idocs.xml("E1WPB02", **{**given, **fields}, segments=list(segments))

    return line


@pytest.fixture
def till(idocs):
    """Builds a file with one IDoc of these receipts."""

    def till(*receipts: str, **control: str | None) -> str:
        return idocs.document(
            idocs.idoc(*receipts, **{"IDOCTYP": "WPUBON01", "MESTYP": "WPUBON", "SNDPRN": "S101", **control}), root="WPUBON01"
        )

    return till


def test_lines_are_numbered_within_their_receipt(read, till, receipt, line):
    rows = read(NAME, till(receipt(line(), line(SERIENNR=None)), receipt(line(VORZEICHEN="+", REFBONNR="B1"), BONNUMMER="B2"))).accepted[
        TABLE
    ]
    assert rows.select("sndprn", "bonnummer", "posnr", "vorzeichen", "seriennr", "refbonnr", "vorgdatum").rows() == [
        ("S101", "B1", 1, "-", "S1", None, date(2026, 11, 4)),
        ("S101", "B1", 2, "-", None, None, date(2026, 11, 4)),
        ("S101", "B2", 1, "+", "S1", "B1", date(2026, 11, 4)),
    ]


def test_the_amount_is_the_sum_of_the_conditions_and_null_without_any(read, idocs, till, receipt, line):
    def priced(*values: str | None) -> str:
        return line(*[idocs.xml("E1WPB03", VORZEICHEN="-", KONDVALUE=value) for value in values])

    content = till(receipt(priced("599.00", "-20.50"), priced(), priced("", None), priced("10.00-", "3", ""), priced("0")))
    assert read(NAME, content).accepted[TABLE]["kondvalue"].to_list() == [Decimal("578.50"), None, None, Decimal("-7.00"), Decimal("0.00")]


def test_reason_and_condition_of_a_return_come_from_the_free_fields(read, idocs, till, receipt, line):
    free = [
        idocs.xml("E1WXX01", FLDGRP="RET", FLDNAME="RETURN_REASON", FLDVAL="DEF"),
        idocs.xml("E1WXX01", FLDGRP="RET", FLDNAME="CONDITION", FLDVAL="B"),
        idocs.xml("E1WXX01", FLDGRP="XYZ", FLDNAME="OTHER", FLDVAL="C"),
    ]
    rows = read(NAME, till(receipt(line(*free, VORZEICHEN="+"), line()))).accepted[TABLE]
    assert rows.select("return_reason", "condition_code").rows() == [("DEF", "B"), (None, None)]


@pytest.mark.parametrize("sign", ["", None, "0", "*", "- -"])
def test_a_line_without_a_known_sign_is_refused(read, till, receipt, line, refused, sign):
    extracted = read(NAME, till(receipt(line(), line(VORZEICHEN=sign))))
    row = refused(extracted)
    assert (row["reason_code"], row["field"], row["segment"]) == ("sign_unknown", "vorzeichen", "E1WPB02[2]")
    assert "only - (sale) and + (return) say which way the goods went" in row["reason"]
    assert extracted.accepted[TABLE].height == 1


def test_a_till_serial_of_twenty_five_characters_is_refused_unless_it_is_padding(read, till, receipt, line, refused):
    extracted = read(NAME, till(receipt(line(SERIENNR="ABCDEFGHIJKLMNOPQRSTUVWXY"), line(SERIENNR="0000000000000000000012345"))))
    row = refused(extracted)
    assert (row["reason_code"], row["field"]) == ("serial_too_long", "seriennr")
    assert "'ABCDEFGHIJKLMNOPQRSTUVWXY', longer than the 18 characters" in row["reason"]
    assert extracted.accepted[TABLE]["seriennr"].to_list() == ["12345"]


def test_an_amount_that_is_no_number_is_refused(read, idocs, till, receipt, line, refused):
    row = refused(read(NAME, till(receipt(line(idocs.xml("E1WPB03", KONDVALUE="599.00"), idocs.xml("E1WPB03", KONDVALUE="free"))))))
    assert (row["reason_code"], row["field"]) == ("bad_number", "kondvalue")
    assert "E1WPB03 KONDVALUE in E1WPB02[1]" in row["reason"]
    assert "'free', which is no number" in row["reason"]


def test_a_receipt_without_lines_is_one_refused_record_with_the_card_number_masked(read, idocs, till, receipt, refused):
    payment = idocs.xml("E1WPB06", VORZEICHEN="+", ZAHLART="CARD", SUMME="10.00", KARTENNR="4111111111111111", KARTENINHABER="J DOE")
    row = refused(read(NAME, till(receipt(payment))))
    assert (row["reason_code"], row["segment"]) == ("empty_document", "E1WPB01[1]")
    assert "4111111111111111" not in row["raw_record"]
    assert "J DOE" not in row["raw_record"]
    assert "<KARTENNR>***</KARTENNR>" in row["raw_record"]
    assert "<SUMME>10.00</SUMME>" in row["raw_record"]


def test_payments_beside_lines_change_nothing(read, idocs, till, receipt, line):
    payment = idocs.xml("E1WPB06", VORZEICHEN="+", ZAHLART="CARD", KARTENNR="4111111111111111")
    extracted = read(NAME, till(receipt(line(), payment)))
    assert extracted.records_in == 1
    assert "4111111111111111" not in str(extracted.accepted[TABLE].rows())


def test_a_till_without_site_is_refused(read, till, receipt, line, refused):
    row = refused(read(NAME, till(receipt(line()), SNDPRN=None)))
    assert (row["reason_code"], row["field"], row["segment"]) == ("required_missing", "sndprn", "EDI_DC40[1]")


def test_the_customer_is_hidden_in_refusals(read, till, receipt, line, refused):
    row = refused(read(NAME, till(receipt(line(), KUNDNR="7" * 26))))
    assert (row["reason_code"], row["field"]) == ("too_long", "kundnr")
    assert "a value that is not shown (restricted)" in row["reason"]
    assert "777" not in row["reason"] + row["raw_record"]
