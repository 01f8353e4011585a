"""MBGMCR: items and serial numbers become one record per unit."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

TABLE = "sap/goods_movements"
NAME = "sap/idoc/mbgmcr.xml"


def test_each_serial_takes_the_item_that_its_ordinal_names(read, idocs):
    content = idocs.document(
        idocs.movement(
            idocs.item(MATERIAL="A", ENTRY_QNT="2.000"),
            idocs.item(MATERIAL="B"),
            idocs.serial("S1", "0001"),
            idocs.serial("S3", "0002"),
            idocs.serial("S2", "1"),
        )
    )
    rows = read(NAME, content).accepted[TABLE]
    assert rows.select("matdoc_itm", "material", "serialno", "entry_qnt").rows() == [
        (1, "A", "S1", Decimal("2.000")),
        (1, "A", "S2", Decimal("2.000")),
        (2, "B", "S3", Decimal("1.000")),
    ]


def test_header_and_control_record_stand_on_every_row(read, idocs):
    row = read(NAME, idocs.document(idocs.movement(idocs.item(), idocs.serial("S1")))).accepted[TABLE].row(0, named=True)
    expected = {
        "docnum": "0000000000000902",
        "idoctyp": "MBGMCR03",
        "mestyp": "MBGMCR",
        "sndprn": "HANDHELD",
        "credat": date(2026, 11, 1),
        "cretim": "031500",
        "pstng_date": date(2026, 11, 3),
        "doc_date": date(2026, 11, 3),
        "ref_doc_no": "ASN-778812",
        "gm_code": "01",
        "entry_uom": "EA",
        "stge_loc": "0001",
        "uii": None,
    }
    assert {name: row[name] for name in expected} == expected


def test_an_item_without_serials_is_one_row_beside_those_with_serials(read, idocs):
    content = idocs.document(idocs.movement(idocs.item(ENTRY_QNT="7"), idocs.item(MATERIAL="B"), idocs.serial("S1", "0002")))
    rows = read(NAME, content).accepted[TABLE]
    assert rows.select("matdoc_itm", "serialno", "entry_qnt").rows() == [(1, None, Decimal("7.000")), (2, "S1", Decimal("1.000"))]


def test_fewer_serials_than_the_quantity_says_are_accepted_as_they_are(read, idocs):
    extracted = read(NAME, idocs.document(idocs.movement(idocs.item(ENTRY_QNT="5.000"), idocs.serial("S1"), idocs.serial("S2"))))
    assert extracted.accepted[TABLE]["serialno"].to_list() == ["S1", "S2"]


def test_several_idocs_of_a_file_keep_their_own_items(read, idocs):
    content = idocs.document(
        idocs.movement(idocs.item(MATERIAL="A"), idocs.serial("S1"), DOCNUM="1"),
        idocs.movement(idocs.item(MATERIAL="B"), idocs.serial("S2"), DOCNUM="2"),
    )
    assert read(NAME, content).accepted[TABLE].select("docnum", "material", "serialno").rows() == [("1", "A", "S1"), ("2", "B", "S2")]


def test_the_long_material_number_wins_where_it_is_filled(read, idocs):
    long = idocs.xml("E1BP2017_GM_ITEM_CREATE1", MATERIAL_LONG="PHONE-X-128-BLACK-EU-2026")
    blank = idocs.xml("E1BP2017_GM_ITEM_CREATE1", MATERIAL_LONG="")
    rows = read(NAME, idocs.document(idocs.movement(idocs.item(more=[long]), idocs.item(more=[blank])))).accepted[TABLE]
    assert rows["material"].to_list() == ["PHONE-X-128-BLACK-EU-2026", "000000000000400558"]


@pytest.mark.parametrize(
    ("number", "uii", "kept"),
    [
        ("S1", "U1", "S1"),
        (None, "U1", "U1"),
        ("  ", "U1", "U1"),
        (" S1 ", None, "S1"),
        ("000000000000000008791", None, "8791"),
        ("000000000000008791", None, "000000000000008791"),
    ],
)
def test_a_serial_falls_back_to_its_uii_and_sheds_padding_only_where_it_must(read, idocs, number, uii, kept):
    extracted = read(NAME, idocs.document(idocs.movement(idocs.item(), idocs.serial(number, uii=uii))))
    assert extracted.accepted[TABLE]["serialno"].to_list() == [kept]


@pytest.mark.parametrize(("number", "uii"), [("ABCDEFGHIJ123456789", None), (None, "ABCDEFGHIJ123456789"), ("1" * 19, "U1")])
def test_a_serial_of_nineteen_characters_is_refused(read, idocs, refused, number, uii):
    content = idocs.document(idocs.movement(idocs.item(), idocs.serial("S1"), idocs.serial(number, uii=uii)))
    extracted = read(NAME, content)
    row = refused(extracted)
    assert (row["reason_code"], row["segment"], row["field"]) == ("serial_too_long", "E1BP2017_GM_SERIALNUMBER[2]", "serialno")
    assert f"'{number or uii}', longer than the 18 characters of a serial number" in row["reason"]
    assert extracted.accepted[TABLE]["serialno"].to_list() == ["S1"]


@pytest.mark.parametrize(("number", "uii"), [(None, None), ("", ""), (" ", None)])
def test_a_serial_segment_that_names_no_unit_is_refused(read, idocs, refused, number, uii):
    row = refused(read(NAME, idocs.document(idocs.movement(idocs.item(), idocs.serial(number, uii=uii)))))
    assert row["reason_code"] == "serial_missing"
    assert "serial number and UII are both blank" in row["reason"]


def test_an_empty_serial_segment_is_refused_and_not_overlooked(read, idocs, refused):
    content = idocs.document(idocs.movement(idocs.item(), '<E1BP2017_GM_SERIALNUMBER SEGMENT="1"/>'))
    extracted = read(NAME, content)
    assert extracted.records_in == 2
    assert refused(extracted)["reason_code"] == "unmatched_serial"


@pytest.mark.parametrize("at", ["0002", "0000", "abc", "", "99999999999999999999"])
def test_a_serial_whose_item_does_not_exist_is_refused(read, idocs, refused, at):
    extracted = read(NAME, idocs.document(idocs.movement(idocs.item(), idocs.serial("S1", "0001"), idocs.serial("S2", at))))
    row = refused(extracted)
    assert (row["reason_code"], row["field"], row["segment"]) == ("unmatched_serial", "matdoc_itm", "E1BP2017_GM_SERIALNUMBER[2]")
    assert f"MATDOC_ITM in E1BP2017_GM_SERIALNUMBER[2] (line {row['line']}) is '{at}', but the document has no item" in row["reason"]
    assert extracted.accepted[TABLE]["serialno"].to_list() == ["S1"]


def test_a_document_without_items_is_one_refused_record(read, idocs, refused):
    row = refused(read(NAME, idocs.document(idocs.movement())))
    assert (row["reason_code"], row["segment"]) == ("empty_document", "E1MBGMCR[1]")
    assert "the document has no item at all" in row["reason"]


def test_an_idoc_with_nothing_but_a_control_record_is_one_refused_record(read, idocs, refused):
    assert refused(read(NAME, idocs.document(idocs.idoc())))["reason_code"] == "empty_document"


@pytest.mark.parametrize("field", ["MATERIAL", "PLANT", "MOVE_TYPE", "ENTRY_QNT"])
@pytest.mark.parametrize("value", [None, "", "  "])
def test_a_blank_required_field_is_refused_by_name(read, idocs, refused, field, value):
    row = refused(read(NAME, idocs.document(idocs.movement(idocs.item(), idocs.item(**{field: value})))))
    assert (row["reason_code"], row["field"], row["segment"]) == ("required_missing", field.lower(), "E1BP2017_GM_ITEM_CREATE[2]")
    assert row["reason"].startswith(f"{field} in E1BP2017_GM_ITEM_CREATE[2] (line ")
    assert "is blank, but sap/goods_movements needs it" in row["reason"]


def test_a_fault_of_an_item_refuses_each_of_its_serials_with_item_and_serial_as_raw_record(read, idocs):
    content = idocs.document(idocs.movement(idocs.item(MOVE_TYPE=None), idocs.serial("S1"), idocs.serial("S2")))
    extracted = read(NAME, content)
    assert extracted.quarantined["reason_code"].to_list() == ["required_missing"] * 2
    assert extracted.quarantined["raw_record"].str.contains("<PLANT>S101</PLANT>", literal=True).all()
    assert [(">S1<" in raw, ">S2<" in raw) for raw in extracted.quarantined["raw_record"]] == [(True, False), (False, True)]


def test_a_fault_of_the_header_is_told_with_the_header_segment(read, idocs, refused):
    row = refused(read(NAME, idocs.document(idocs.movement(idocs.item(), head={"PSTNG_DATE": "00000000"}))))
    assert (row["reason_code"], row["segment"], row["field"]) == ("required_missing", "E1BP2017_GM_HEAD_01[1]", "pstng_date")
    assert "<E1BP2017_GM_HEAD_01>" in row["raw_record"]


@pytest.mark.parametrize(
    ("fields", "code", "field", "told"),
    [
        ({"PSTNG_DATE": "20260231"}, "bad_date", "pstng_date", "is '20260231', which is no day (yyyymmdd or yyyy-mm-dd)"),
        ({"DOC_DATE": "tomorrow"}, "bad_date", "doc_date", "is 'tomorrow', which is no day"),
        ({"REF_DOC_NO": "X" * 17}, "too_long", "ref_doc_no", "longer than the 16 characters that ref_doc_no may have"),
    ],
)
def test_a_header_value_that_cannot_be_read_is_refused(read, idocs, refused, fields, code, field, told):
    row = refused(read(NAME, idocs.document(idocs.movement(idocs.item(), head=fields))))
    assert (row["reason_code"], row["field"]) == (code, field)
    assert told in row["reason"]


@pytest.mark.parametrize("value", ["five", "1.234,56", "5,000", "1.0005", "--5", "1234567890123"])
def test_a_quantity_that_is_no_number_is_refused(read, idocs, refused, value):
    row = refused(read(NAME, idocs.document(idocs.movement(idocs.item(ENTRY_QNT=value)))))
    assert (row["reason_code"], row["field"]) == ("bad_number", "entry_qnt")
    assert f"is '{value}', which is no number with at most 12 digits before and 3 after the decimal point" in row["reason"]


@pytest.mark.parametrize(("value", "number"), [("5.000-", "-5"), ("-5", "-5"), ("5.000+", "5"), (" 5 ", "5"), ("5.0000", "5")])
def test_a_quantity_may_carry_its_sign_behind(read, idocs, value, number):
    extracted = read(NAME, idocs.document(idocs.movement(idocs.item(ENTRY_QNT=value))))
    assert extracted.accepted[TABLE]["entry_qnt"].to_list() == [Decimal(number)]


def test_a_restricted_value_is_neither_in_the_sentence_nor_in_the_raw_record(read, idocs, refused):
    row = refused(read(NAME, idocs.document(idocs.movement(idocs.item(CUSTOMER="00007001234567")))))
    assert (row["reason_code"], row["field"]) == ("too_long", "customer")
    assert "7001234567" not in row["reason"] + row["raw_record"]
    assert "<CUSTOMER>***</CUSTOMER>" in row["raw_record"]


def test_line_is_the_line_of_the_serial_or_else_of_the_item(read, idocs):
    content = idocs.document(idocs.movement(idocs.item(), idocs.item(MATERIAL="B"), idocs.serial("S1")))
    lines = content.split("\n")
    rows = read(NAME, content).accepted[TABLE].select("serialno", "_line").rows()
    assert [lines[line - 1] for _, line in rows] == ['<E1BP2017_GM_SERIALNUMBER SEGMENT="1">', '<E1BP2017_GM_ITEM_CREATE SEGMENT="1">']
    assert [serial for serial, _ in rows] == ["S1", None]


def _line_of(content: str, start: str, occurrence: int = 1) -> int:
    lines = [number for number, line in enumerate(content.split("\n"), 1) if line.startswith(start)]
    return lines[occurrence - 1]


@pytest.mark.parametrize(
    ("changes", "segment", "field"),
    [
        ({"CREDAT": "20261399"}, "EDI_DC40", "credat"),
        ({"head": {"PSTNG_DATE": "20261399"}}, "E1BP2017_GM_HEAD_01", "pstng_date"),
        ({"code": "007"}, "E1BP2017_GM_CODE", "gm_code"),
    ],
)
def test_a_fault_of_the_header_is_told_with_the_line_of_its_segment(read, idocs, refused, changes, segment, field):
    changes = dict(changes)
    code = changes.pop("code", "01")
    bad = idocs.movement(idocs.item(), **changes).replace("<GM_CODE>01", f"<GM_CODE>{code}")
    content = idocs.document(idocs.movement(idocs.item()), bad)
    row = refused(read(NAME, content))
    line = _line_of(content, f"<{segment} ", 2)
    assert (row["line"], row["segment"], row["field"]) == (line, f"{segment}[1]", field)
    assert f"in {segment}[1] (line {line})" in row["reason"]
    assert row["raw_record"].startswith(f"<{segment}>")


def test_the_header_of_a_second_document_in_an_idoc_is_its_own(read, idocs, refused):
    def body(day: str) -> str:
        return idocs.xml("E1MBGMCR", segments=[idocs.xml("E1BP2017_GM_HEAD_01", PSTNG_DATE=day), idocs.item()])

    content = idocs.document(idocs.idoc(body("20261101"), body("20261399")))
    row = refused(read(NAME, content))
    assert (row["segment"], row["line"]) == ("E1BP2017_GM_HEAD_01[2]", _line_of(content, "<E1BP2017_GM_HEAD_01 ", 2))
    assert "<PSTNG_DATE>20261399</PSTNG_DATE>" in row["raw_record"]


def test_every_document_carries_its_place_in_the_file(read, idocs):
    twice = idocs.idoc(
        *(idocs.xml("E1MBGMCR", segments=[idocs.xml("E1BP2017_GM_HEAD_01", PSTNG_DATE="20261101"), idocs.item()]) for _ in "ab")
    )
    rows = read(NAME, idocs.document(idocs.movement(idocs.item(), DOCNUM=None), twice)).accepted[TABLE]
    assert rows.select("idoc_ordinal", "document_ordinal", "matdoc_itm").rows() == [(1, 1, 1), (2, 1, 1), (2, 2, 1)]


def test_a_reversal_names_the_document_that_it_reverses(read, idocs):
    cancelled = {"MATDOC_TR_CANCEL": "4900000123", "MATITEM_TR_CANCEL": "0002", "MATYEAR_TR_CANCEL": "2026"}
    row = (
        read(NAME, idocs.document(idocs.movement(idocs.item(XSTOB="X", **cancelled), idocs.serial("S1"))))
        .accepted[TABLE]
        .row(0, named=True)
    )
    expected = {"xstob": "X", "matdoc_tr_cancel": "4900000123", "matitem_tr_cancel": "0002", "matyear_tr_cancel": "2026", "ref_doc": None}
    assert {name: row[name] for name in expected} == expected
