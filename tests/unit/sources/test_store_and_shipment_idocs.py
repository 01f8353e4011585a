"""Shipments, store movements and sales totals: one record per line, flat and XML alike."""

from __future__ import annotations

import json
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from pipelines.sources import extract
from pipelines.sources.idoc.layouts import read_layouts
from pipelines.sources.idoc.tree import Idoc, Segment
from pipelines.sources.idoc.writer import write_flat, write_xml

CONTROL = {"TABNAM": "EDI_DC40", "DOCNUM": "0000000000000077", "SNDPRN": "S101", "CREDAT": "20261103", "CRETIM": "120000"}
TILL_LAYOUTS = """
E1WPG01: {parents: [IDOC], fields: {BONNUMMER: 15, BELEGDATUM: 8}}
E1WPG02: {parents: [E1WPG01], fields: {QUALARTNR: 4, ARTNR: 25, VORGANGART: 4, BWART: 4, LGORT: 4, MENGE: 10, UMWRK: 4}}
E1WXX01: {parents: [E1WPG02, E1WPB02], fields: {FLDGRP: 10, FLDNAME: 20, FLDVAL: 40}}
E1WPU01: {parents: [IDOC], fields: {KASSID: 25, VORGDATUM: 8, BELEGWAERS: 4}}
"""
"""Layouts as a user's parser report would give them, for segments whose lengths nobody has published."""


def segment(name: str, *children: Segment, **fields: str) -> Segment:
    return Segment(name, 0, fields, children)


def idoc(basic_type: str, *segments: Segment, **control: str) -> Idoc:
    fields = {**CONTROL, "IDOCTYP": basic_type, "MESTYP": basic_type[:-2], **control}
    return Idoc(1, 1, basic_type, 0, Segment("EDI_DC40", 0, fields), segments)


def free(name: str, value: str) -> Segment:
    return segment("E1WXX01", FLDGRP="EXT", FLDNAME=name, FLDVAL=value)


@pytest.fixture
def layouts(tmp_path) -> Path:
    folder = tmp_path / "layouts"
    folder.mkdir()
    (folder / "till.yaml").write_text(TILL_LAYOUTS)
    return folder


@pytest.fixture
def taken(tmp_path, contracts, check, layouts):
    """What IDocs give as XML, after they gave the same as a flat file with and without numbers of segments."""

    def taken(*idocs: Idoc):
        known = read_layouts(layouts)
        flat = write_flat(idocs, layouts=known)
        blank = b"\n".join(line[:49] + b" " * 12 + line[61:] if line.startswith(b"E2") else line for line in flat.splitlines())
        read = []
        for name, content in (("a.xml", write_xml(idocs, layouts=known)), ("a.txt", flat), ("b.txt", blank)):
            (tmp_path / name).write_bytes(content)
            read.append(check(extract(tmp_path / name, name, contracts=contracts, layouts=layouts), contracts))
        for other in read[1:]:
            assert other.accepted.keys() == read[0].accepted.keys()
            assert all(other.accepted[table].drop("_line").equals(frame.drop("_line")) for table, frame in read[0].accepted.items())
            assert other.quarantined.drop("line", "reason").equals(read[0].quarantined.drop("line", "reason"))
        return read[0]

    return taken


def shipment(*children: Segment, **fields: str) -> Segment:
    return segment("E1EDT20", *children, **{"TKNUM": "0000004711", "SHTYP": "0001", "VSART": "01", "EXTI1": "1Z999", **fields})


def test_a_shipment_links_its_deliveries_with_carrier_and_dates(taken):
    carrier = segment("E1ADRM4", PARTNER_Q="SP", PARTNER_ID="0000300001")
    loading = segment("E1EDT10", QUALF="003", NTANF="20261103", NTANZ="060000", NTEND="20261103", NTENZ="070000")
    transport = segment(
        "E1EDT10", QUALF="005", NTANF="20261103", NTANZ="080000", ISDD="20261103", ISDZ="081500", NTEND="20261104", IEDD="00000000"
    )
    stage = segment("E1EDK33")
    deliveries = [segment("E1EDL20", segment("E1EDL24", POSNR="000010"), VBELN=number) for number in ("0080001234", "0080001235")]
    frame = taken(idoc("SHPMNT05", shipment(carrier, loading, transport, stage, *deliveries))).accepted["sap/shipments"]
    assert frame.select("tknum", "vbeln", "partner_sp", "exti1").rows() == [
        ("0000004711", "0080001234", "0000300001", "1Z999"),
        ("0000004711", "0080001235", "0000300001", "1Z999"),
    ]
    assert frame.select(
        "loading_end_planned_at", "transport_start_planned_at", "transport_start_actual_at", "transport_end_planned_at"
    ).row(0) == (datetime(2026, 11, 3, 7), datetime(2026, 11, 3, 8), datetime(2026, 11, 3, 8, 15), datetime(2026, 11, 4))
    assert frame["transport_end_actual_at"].to_list() == [None, None]


def test_a_shipment_without_deliveries_is_a_record(taken):
    frame = taken(idoc("SHPMNT05", shipment())).accepted["sap/shipments"]
    assert frame.select("tknum", "vbeln", "transport_start_planned_at").rows() == [("0000004711", None, None)]


def test_a_delivery_still_stands_by_itself_after_a_report_of_shipments(taken, layouts):
    (layouts / "shpmnt.yaml").write_text("E1EDL20: {record: E2EDL20002, parents: [E1EDT20], fields: {VBELN: 10, VSTEL: 4}}")
    frame = taken(idoc("DELVRY07", segment("E1EDL20", segment("E1EDL24", POSNR="000010", MATNR="A1"), VBELN="0080001234"))).accepted
    assert frame["sap/deliveries"].select("vbeln", "posnr").rows() == [("0080001234", "000010")]


def moved(*children: Segment, **fields: str) -> Segment:
    return segment("E1WPG02", *children, **{"QUALARTNR": "ARTN", "ARTNR": "400558", "BWART": "551", "MENGE": "2.000", **fields})


def slip(*lines: Segment, **fields: str) -> Segment:
    return segment("E1WPG01", *lines, **{"BONNUMMER": "G1", "BELEGDATUM": "20261103", **fields})


def test_a_store_movement_moves_the_units_that_its_free_fields_name(taken):
    lines = [moved(free("SERNR", "S1"), free("SERNR", "S2"), free("OPERATOR", "17")), moved(VORGANGART="4711", BWART="")]
    frame = taken(idoc("WPUWBW01", slip(*lines))).accepted["pos/store_movements"]
    assert frame.select("bonnummer", "belegdatum", "posnr", "artnr", "seriennr", "bwart", "menge").rows() == [
        ("G1", date(2026, 11, 3), 1, "400558", "S1", "551", Decimal("2.000")),
        ("G1", date(2026, 11, 3), 1, "400558", "S2", "551", Decimal("2.000")),
        ("G1", date(2026, 11, 3), 2, "400558", None, "4711", Decimal("2.000")),
    ]
    assert json.loads(frame["extension"][0]) == [{"group": "EXT", "name": "OPERATOR", "value": "17"}]
    assert frame["extension"][2] is None


def test_slips_of_an_idoc_are_told_apart(taken):
    frame = taken(idoc("WPUWBW01", slip(moved()), slip(moved(), BONNUMMER="G2"))).accepted["pos/store_movements"]
    assert frame.select("bonnummer", "posnr").rows() == [("G1", 1), ("G2", 1)]


def test_a_slip_without_lines_and_a_line_without_article_are_refused(taken):
    extracted = taken(idoc("WPUWBW01", slip(), slip(moved(ARTNR=""), moved(), BONNUMMER="G2")))
    assert extracted.accepted["pos/store_movements"].select("bonnummer", "posnr").rows() == [("G2", 2)]
    assert extracted.quarantined.select("reason_code", "segment", "field").rows() == [
        ("empty_document", "E1WPG01[1]", "posnr"),
        ("required_missing", "E1WPG02[1]", "artnr"),
    ]


def test_a_free_field_of_a_refused_line_is_shown_only_if_it_names_nobody(taken):
    lines = slip(moved(free("SERNR", "S1"), free("GUEST", "Jane Doe"), MENGE="two"))
    raw = taken(idoc("WPUWBW01", lines)).quarantined["raw_record"].item()
    assert ("<FLDVAL>S1</FLDVAL>" in raw, "Jane" in raw, "<FLDVAL>***</FLDVAL>" in raw) == (True, False, True)


def test_sales_totals_keep_sign_and_amount_as_they_came(taken):
    line = {"QUALARTNR": "ARTN", "ARTNR": "400558", "VORZMENGE": "-", "UMSMENGE": "3", "VORZWERT": "-", "UMSWERT": "899.97"}
    upload = segment("E1WPU01", segment("E1WPU02", **line), KASSID="03", VORGDATUM="20261102", BELEGWAERS="USD")
    frame = taken(idoc("WPUUMS01", upload)).accepted["pos/sales_totals"]
    assert frame.select("sndprn", "kassid", "vorgdatum", "artnr", "vorzmenge", "umsmenge", "umswert").rows() == [
        ("S101", "03", date(2026, 11, 2), "400558", "-", Decimal("3"), Decimal("899.97"))
    ]


def test_a_receipt_line_keeps_the_free_fields_that_have_no_column(taken):
    sold = {"QUALARTNR": "ARTN", "ARTNR": "400558", "SERIENNR": "S1", "VORZEICHEN": "+", "MENGE": "1"}
    line = segment("E1WPB02", free("RETURN_REASON", "R01"), free("WARRANTY", "24"), **sold)
    receipt = segment("E1WPB01", line, segment("E1WPB02", **sold), KASSID="03", VORGDATUM="20261102", BONNUMMER="B1")
    frame = taken(idoc("WPUBON01", receipt)).accepted["pos/receipts"]
    assert frame["return_reason"].to_list() == ["R01", None]
    assert frame["extension"].to_list() == ['[{"group": "EXT", "name": "WARRANTY", "value": "24"}]', None]
