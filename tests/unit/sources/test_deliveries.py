"""DELVRY: items, serial numbers and handling units become records."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

import pytest

TABLE, PACKAGES = "sap/deliveries", "sap/handling_units"
NAME = "sap/idoc/delvry.xml"


@pytest.fixture
def delivery(idocs):
    """Builds a file with one delivery of these segments."""

    def delivery(*segments: str, header: dict | None = None, root: str = "DELVRY07") -> str:
        fields = {"VBELN": "0080001234", "VSTEL": "DC01", "BTGEW": "3.200", "GEWEI": "KGM", "ANZPK": "00002", **(header or {})}
        body = idocs.xml("E1EDL20", **fields, segments=list(segments))
        return idocs.document(idocs.idoc(body, IDOCTYP=root, MESTYP="DESADV", SNDPRN="E01CLNT100"), root=root)

    return delivery


@pytest.fixture
def line(idocs):
    """Builds one delivery item with these inner segments."""

    def line(*segments: str, **fields: object) -> str:
        given = {"POSNR": "000010", "MATNR": "000000000000400558", "WERKS": "DC01", "LFIMG": "2.000", "VRKME": "EA", **fields}
        return idocs.xml("E1EDL24", **given, segments=list(segments))

    return line


def test_the_serial_number_of_an_items_configuration_is_no_units(read, delivery, line):
    assert read(NAME, delivery(line(SERNR="12345678"))).accepted[TABLE]["sernr"].to_list() == [None]


def test_each_serial_of_an_item_is_a_row_and_an_item_without_serials_is_one(read, idocs, delivery, line):
    serials = [idocs.xml("E1EDL11", SERNR="S1"), idocs.xml("E1EDL11", SERNR="", UII="U2")]
    rows = read(NAME, delivery(line(*serials), line(POSNR="000020", LFIMG="5"))).accepted[TABLE]
    assert rows.select("vbeln", "posnr", "lfimg", "sernr", "uii").rows() == [
        ("0080001234", "000010", Decimal("2.000"), "S1", None),
        ("0080001234", "000010", Decimal("2.000"), "U2", "U2"),
        ("0080001234", "000020", Decimal("5.000"), None, None),
    ]


def test_a_delivery_without_items_is_one_row(read, delivery):
    rows = read(NAME, delivery()).accepted[TABLE]
    assert rows.select("vbeln", "posnr", "matnr", "anzpk", "btgew").rows() == [("0080001234", None, None, 2, Decimal("3.200"))]


def test_batch_split_items_are_rows_as_given(read, delivery, line):
    rows = read(NAME, delivery(line(LFIMG="0"), line(POSNR="900001", HIPOS="000010", LFIMG="2"))).accepted[TABLE]
    assert rows.select("posnr", "hipos", "lfimg").rows() == [("000010", None, Decimal("0.000")), ("900001", "000010", Decimal("2.000"))]


def test_partners_qualifiers_type_and_deadlines_come_from_their_segments(read, idocs, delivery, line):
    segments = [
        idocs.xml("E1EDL21", LFART="NL"),
        idocs.xml("E1EDL18", QUALF="ORI"),
        idocs.xml("E1EDL18", QUALF="PGI"),
        idocs.xml("E1ADRM1", PARTNER_Q="WE", PARTNER_ID="S101"),
        idocs.xml("E1ADRM1", PARTNER_Q="AG", PARTNER_ID="0000700123"),
        idocs.xml("E1ADRM1", PARTNER_Q="LF", PARTNER_ID="0000100001"),
        idocs.xml("E1ADRM1", PARTNER_Q="SP", PARTNER_ID="CARR01"),
        idocs.xml("E1EDT13", QUALF="006", NTANF="20261101", NTANZ="080000", ISDD="20261101", ISDZ="081133"),
        idocs.xml("E1EDT13", QUALF="007", NTANF="20261103", NTANZ="240000", ISDD="00000000", ISDZ="000000"),
        idocs.xml("E1EDT13", QUALF="010", ISDD="20261230", ISDZ="000000"),
    ]
    row = read(NAME, delivery(*segments, line())).accepted[TABLE].row(0, named=True)
    expected = {
        "lfart": "NL",
        "qualf": "ORI PGI",
        "partner_we": "S101",
        "partner_ag": "0000700123",
        "partner_lf": "0000100001",
        "partner_sp": "CARR01",
        "goods_issue_planned_at": datetime(2026, 11, 1, 8),
        "goods_issue_actual_at": datetime(2026, 11, 1, 8, 11, 33),
        "delivery_planned_at": datetime(2026, 11, 4),
        "delivery_actual_at": None,
    }
    assert {name: row[name] for name in expected} == expected


@pytest.mark.parametrize(
    ("own", "references", "expected"),
    [
        ({"VGBEL": "4500000001", "VGPOS": "000030"}, [("V", "4500017999", "000010")], ("4500000001", "000030")),
        ({}, [("C", "0000000001", "000001"), ("V", "4500017999", "000010")], ("4500017999", "000010")),
        ({"VGBEL": ""}, [("C", "0000000001", "000001")], ("0000000001", "000001")),
        ({}, [], (None, None)),
    ],
)
def test_the_preceding_document_is_the_items_own_or_that_of_its_reference(read, idocs, delivery, line, own, references, expected):
    segments = [idocs.xml("E1EDL43", QUALF=kind, BELNR=number, POSNR=position) for kind, number, position in references]
    row = read(NAME, delivery(line(*segments, **own))).accepted[TABLE].row(0, named=True)
    assert (row["vgbel"], row["vgpos"]) == expected


def test_handling_units_are_rows_by_packed_item_and_one_without_items(read, idocs, delivery, line):
    packed = [idocs.xml("E1EDL44", POSNR="000010", VEMNG="2", VEMEH="EA"), idocs.xml("E1EDL44", POSNR="000020", VEMNG="1")]
    first = idocs.xml("E1EDL37", EXIDV="00340123450000000011", BRGEW="3.2", NTGEW="2.9", GEWEI="KGM", segments=packed)
    extracted = read(NAME, delivery(line(), first, idocs.xml("E1EDL37", EXIDV="00340123450000000028")))
    assert extracted.records_in == 4
    assert extracted.accepted[PACKAGES].select("vbeln", "exidv", "brgew", "posnr", "vemng").rows() == [
        ("0080001234", "00340123450000000011", Decimal("3.200"), "000010", Decimal("2.000")),
        ("0080001234", "00340123450000000011", Decimal("3.200"), "000020", Decimal("1.000")),
        ("0080001234", "00340123450000000028", None, None, None),
    ]


def test_a_handling_unit_in_another_is_named_by_the_one_around_it(read, idocs, delivery, line):
    packed = [idocs.xml("E1EDL44", VELIN="3", EXIDV="00340123450000000028"), idocs.xml("E1EDL44", POSNR="000010", VEMNG="1")]
    extracted = read(NAME, delivery(line(), idocs.xml("E1EDL37", EXIDV="00340123450000000011", segments=packed)))
    assert extracted.accepted[PACKAGES].select("exidv", "inner_exidv", "posnr").rows() == [
        ("00340123450000000011", "00340123450000000028", None),
        ("00340123450000000011", None, "000010"),
    ]


def test_serial_numbers_in_a_handling_unit_are_rows_of_their_own(read, idocs, delivery, line):
    named = [idocs.xml("E1EDL46", SERNR="S1"), idocs.xml("E1EDL46", UII="S2"), idocs.xml("E1EDL46", OTHER="x"), idocs.xml("E1EDL46")]
    packed = idocs.xml("E1EDL44", POSNR="000010", MATNR="400558", VEMNG="2", segments=named)
    extracted = read(NAME, delivery(line(), idocs.xml("E1EDL37", EXIDV="00340123450000000011", segments=[packed])))
    assert extracted.records_in == 4
    assert extracted.accepted[f"{PACKAGES[:-1]}_serials"].drop("docnum", "sndprn", "_line").rows() == [
        ("0080001234", "00340123450000000011", "000010", "400558", "S1", None),
        ("0080001234", "00340123450000000011", "000010", "400558", "S2", "S2"),
    ]
    assert extracted.accepted[PACKAGES].height == 1


def test_an_unreadable_serial_number_in_a_handling_unit_names_its_segment(read, idocs, delivery, line, refused):
    packed = idocs.xml("E1EDL44", POSNR="000010", segments=[idocs.xml("E1EDL46", SERNR="S1"), idocs.xml("E1EDL46", SERNR="S" * 19)])
    row = refused(read(NAME, delivery(line(), idocs.xml("E1EDL37", EXIDV="1", segments=[packed]))))
    assert (row["table_name"], row["reason_code"], row["segment"]) == ("sap/handling_unit_serials", "serial_too_long", "E1EDL46[2]")


def test_an_unreadable_handling_unit_leaves_the_delivery_alone(read, idocs, delivery, line, refused):
    extracted = read(NAME, delivery(line(), idocs.xml("E1EDL37", EXIDV="1", BRGEW="heavy")))
    row = refused(extracted)
    assert (row["table_name"], row["reason_code"], row["segment"]) == (PACKAGES, "bad_number", "E1EDL37[1]")
    assert extracted.accepted[TABLE].height == 1


def test_the_versions_of_the_family_are_read_alike(read, delivery, line):
    for version in ("DELVRY01", "DELVRY03", "DELVRY05", "DELVRY07"):
        assert read(NAME, delivery(line(), root=version)).accepted[TABLE]["idoctyp"].to_list() == [version]


@pytest.mark.parametrize("uii", [None, ""])
def test_a_serial_segment_that_names_no_unit_is_refused(read, idocs, delivery, line, refused, uii):
    row = refused(read(NAME, delivery(line(idocs.xml("E1EDL11", SERNR="", UII=uii)))))
    assert (row["reason_code"], row["segment"], row["field"]) == ("serial_missing", "E1EDL11[1]", "sernr")
    assert "names no unit" in row["reason"]


def test_a_serial_of_nineteen_characters_is_refused_and_its_siblings_are_not(read, idocs, delivery, line, refused):
    serials = [idocs.xml("E1EDL11", SERNR="S1"), idocs.xml("E1EDL11", SERNR="ABCDEFGHIJ123456789")]
    extracted = read(NAME, delivery(line(*serials)))
    row = refused(extracted)
    assert (row["reason_code"], row["segment"]) == ("serial_too_long", "E1EDL11[2]")
    assert row["raw_record"].count("E1EDL11>") == 2
    assert "S1" not in row["raw_record"]
    assert extracted.accepted[TABLE]["sernr"].to_list() == ["S1"]


def test_a_delivery_without_number_is_refused(read, delivery, line, refused):
    row = refused(read(NAME, delivery(line(), header={"VBELN": ""})))
    assert (row["reason_code"], row["field"], row["segment"]) == ("required_missing", "vbeln", "E1EDL20[1]")


def test_an_impossible_deadline_is_told_with_its_segment_and_fields(read, idocs, delivery, line, refused):
    deadline = idocs.xml("E1EDT13", QUALF="006", NTANF="20260231", NTANZ="080000")
    row = refused(read(NAME, delivery(deadline, line())))
    assert (row["reason_code"], row["field"]) == ("bad_date", "goods_issue_planned_at")
    assert row["reason"].startswith("E1EDT13 006 NTANF NTANZ in E1EDL20[1]")
    assert "'20260231080000', which is no moment" in row["reason"]


def test_names_and_addresses_are_masked_in_the_raw_record(read, idocs, delivery, refused):
    address = {"NAME1": "Jane Doe", "STREET1": "Main Road 1", "CITY1": "Austin", "TELEPHONE1": "555-0100", "POSTL_COD1": "73301"}
    partner = idocs.xml("E1ADRM1", PARTNER_Q="WE", PARTNER_ID="TOO-LONG-A-PARTNER", **address)
    row = refused(read(NAME, delivery(partner)))
    assert (row["reason_code"], row["field"]) == ("too_long", "partner_we")
    assert [value for value in address.values() if value in row["raw_record"]] == []
    assert "<NAME1>***</NAME1>" in row["raw_record"]
    assert "<PARTNER_ID>TOO-LONG-A-PARTNER</PARTNER_ID>" in row["raw_record"]
