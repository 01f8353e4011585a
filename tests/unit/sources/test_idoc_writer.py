"""IDocs that are written, and read back as they were: whatever the values, flat and XML."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.sources.idoc.layouts import CONTROL, shipped_layouts
from pipelines.sources.idoc.reader import read_idocs
from pipelines.sources.idoc.tree import Idoc, Segment
from pipelines.sources.idoc.writer import delivery, goods_movement, sap_text, write_flat, write_xml

LAYOUTS = shipped_layouts().segments
TREES = {
    "MBGMCR03": ["E1MBGMCR"],
    "DELVRY07": ["E1EDL20"],
    "E1MBGMCR": ["E1BP2017_GM_HEAD_01", "E1BP2017_GM_CODE", "E1BP2017_GM_ITEM_CREATE", "E1BP2017_GM_SERIALNUMBER"],
    "E1BP2017_GM_ITEM_CREATE": ["E1BP2017_GM_ITEM_CREATE1"],
    "E1EDL20": ["E1EDL21", "E1EDL18", "E1ADRM1", "E1EDT13", "E1EDL24", "E1EDL37"],
    "E1EDL24": ["E1EDL11", "E1EDL41", "E1EDL43"],
    "E1EDL37": ["E1EDL44"],
}
TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff"), max_size=20)


@st.composite
def fields(draw, name: str) -> dict[str, str]:
    chosen = draw(st.lists(st.sampled_from(sorted(LAYOUTS[name].fields)), unique=True, max_size=5))
    places = LAYOUTS[name].fields
    return {field: text for field in chosen if (text := draw(TEXT)[: places[field][1] - places[field][0]].rstrip(" "))}


@st.composite
def segment(draw, name: str) -> Segment:
    return Segment(name, 0, draw(fields(name)), draw(segments(name)))


@st.composite
def segments(draw, parent: str) -> list[Segment]:
    names = draw(st.lists(st.sampled_from(TREES[parent]), max_size=4)) if parent in TREES else []
    return [draw(segment(name)) for name in names]


@st.composite
def idocs(draw) -> list[Idoc]:
    basic_type = draw(st.sampled_from(["MBGMCR03", "DELVRY07"]))
    controls = draw(st.lists(fields(CONTROL), min_size=1, max_size=3))
    return [_idoc(basic_type, control, draw(segments(basic_type))) for control in controls]


def _idoc(basic_type: str, control: dict[str, str], trees: list[Segment]) -> Idoc:
    return Idoc(1, 1, basic_type, 0, Segment(CONTROL, 0, {**control, "TABNAM": CONTROL, "IDOCTYP": basic_type}), trees)


def _told(idoc: Idoc) -> tuple:
    """All that an IDoc says, without the places of what says it."""
    told = [idoc.basic_type, dict(idoc.control.fields)]
    return (*told, [_said(tree) for tree in idoc.segments])


def _said(tree: Segment) -> tuple:
    return tree.name, dict(tree.fields), [_said(child) for child in tree.children]


@pytest.mark.parametrize(("write", "name"), [(write_xml, "any.xml"), (write_flat, "any.txt")])
def test_what_is_written_is_read_back_as_it_was(tmp_path_factory, write, name):
    path = tmp_path_factory.mktemp("written") / name

    @settings(max_examples=80, deadline=None)
    @given(idocs())
    def reads_back(written):
        path.write_bytes(write(written))
        assert [_told(idoc) for idoc in read_idocs(path)] == [_told(idoc) for idoc in written]

    reads_back()


MOVEMENT = goods_movement(
    {"DOCNUM": "0000000000000902", "MANDT": "100", "SNDPRN": "SERIALAKE", "CREDAT": date(2026, 11, 3)},
    {"PSTNG_DATE": date(2026, 11, 3), "DOC_DATE": date(2026, 11, 3), "HEADER_TXT": "Gerät"},
    "04",
    [
        (
            {"MATERIAL": "400558", "PLANT": "S101", "MOVE_TYPE": "311", "ENTRY_QNT": Decimal("2.000"), "ENTRY_UOM": "EA"},
            [{"SERIALNO": "S1"}],
        ),
        (
            {"MATERIAL": "400559", "PLANT": "S101", "MOVE_TYPE": "102", "ENTRY_QNT": 1, "XSTOB": True, "MATDOC_TR_CANCEL": "4900000001"},
            [{"SERIALNO": "S2", "UII": "U2"}, {"UII": "U3"}],
        ),
    ],
)
DELIVERY = delivery(
    {"DOCNUM": "0000000000000903", "SNDPRN": "SERIALAKE"},
    {"VBELN": "0080001234", "BTGEW": Decimal("-3.200")},
    [({"POSNR": "000010", "MATNR": "400558", "LFIMG": Decimal("1.000"), "VGBEL": "4500017999"}, [{"SERNR": "S1"}])],
    parts=[("E1EDL18", {"QUALF": "ORI"}), ("E1ADRM1", {"PARTNER_Q": "WE", "PARTNER_ID": "S101"})],
    packages=[({"EXIDV": "00340123450000000018", "NTGEW": Decimal("1.5")}, [{"POSNR": "000010", "VEMNG": 1, "VEMEH": "EA"}])],
)


@pytest.mark.parametrize(("idoc", "tables"), [(MOVEMENT, ["sap/goods_movements"]), (DELIVERY, ["sap/deliveries", "sap/handling_units"])])
def test_flat_and_xml_of_one_proposal_give_the_same_records(read, idoc, tables):
    flat, xml = read("any.txt", write_flat([idoc])), read("any.xml", write_xml([idoc]))
    assert sorted(flat.accepted) == sorted(xml.accepted) == tables
    for table in tables:
        assert flat.accepted[table].drop("_line").equals(xml.accepted[table].drop("_line")), table


def test_serial_numbers_of_a_proposed_movement_are_tied_to_their_items(read):
    rows = read("any.txt", write_flat([MOVEMENT])).accepted["sap/goods_movements"]
    assert rows.select("matdoc_itm", "material", "serialno", "uii", "header_txt", "xstob").rows() == [
        (1, "400558", "S1", None, "Gerät", None),
        (2, "400559", "S2", "U2", "Gerät", "X"),
        (2, "400559", "U3", "U3", "Gerät", "X"),
    ]


@pytest.mark.parametrize(
    ("value", "text"),
    [(Decimal("-5.000"), "5.000-"), (date(2026, 3, 9), "20260309"), (True, "X"), (False, ""), (None, ""), (7, "7"), ("a", "a")],
)
def test_values_are_written_as_sap_writes_them(value, text):
    assert sap_text(value) == text


@pytest.mark.parametrize("write", [write_xml, write_flat])
@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"MOVE_TYPE": "1011"}, "E1BP2017_GM_ITEM_CREATE MOVE_TYPE has 4 characters, and the field has 3"),
        ({"NOPE": "1"}, "E1BP2017_GM_ITEM_CREATE has no field NOPE"),
        ({"ITEM_TEXT": "a\nb"}, "ITEM_TEXT holds a control character"),
    ],
)
def test_what_no_record_can_hold_is_refused_before_anything_is_written(write, given, told):
    with pytest.raises(ValueError, match=told):
        write([goods_movement({}, {}, "01", [(given, [])])])
