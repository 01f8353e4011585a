"""The IDoc files found in public and those made to the layouts: each is read, or refused with a sensible reason."""

from __future__ import annotations

import json

import pytest

from pipelines.sources import extract
from pipelines.sources.idoc.layouts import parser_report, shipped_layouts

READ = {
    "public/DELVRY01_SHPCON_two_idocs.xml": {"sap/deliveries": 3},
    "public/DELVRY03_DESADV_ballerina.xml": {"sap/deliveries": 1},
    "public/MBGMCR04_min.xml": {},
    "synthetic/DELVRY07_DESADV_serials.xml": {"sap/deliveries": 3},
    "synthetic/MBGMCR03_101_goods_receipt.xml": {"sap/goods_movements": 2},
    "synthetic/MBGMCR03_311_transfer.xml": {"sap/goods_movements": 1},
    "synthetic/MBGMCR03_541_out_to_vendor.xml": {"sap/goods_movements": 1},
    "synthetic/MBGMCR03_561_initial_load.xml": {"sap/goods_movements": 2},
    "synthetic/WPUBON01_sale_and_return.xml": {"pos/receipts": 2},
    "synthetic/DELVRY07_DESADV_serials.txt": {"sap/deliveries": 3},
    "synthetic/WPUBON01_sale_and_return.txt": {"pos/receipts": 2},
}


@pytest.fixture
def public(shared_data, contracts, check):
    def public(name: str):
        return check(extract(shared_data / "idoc" / name, f"sap/idoc/{name}", contracts=contracts), contracts)

    return public


@pytest.mark.parametrize("name", READ)
def test_every_file_gives_its_records(public, name):
    assert {table: frame.height for table, frame in public(name).accepted.items()} == READ[name]


def test_no_idoc_file_is_left_out(shared_data):
    files = {path.relative_to(shared_data / "idoc").as_posix() for path in (shared_data / "idoc").glob("*/*.*")}
    assert files - {"public/we60-parser-matmas01.txt"} == set(READ)


def test_the_item_without_movement_type_is_refused_by_name(public, refused):
    row = refused(public("public/MBGMCR04_min.xml"))
    assert (row["reason_code"], row["field"], row["segment"], row["line"]) == (
        "required_missing",
        "move_type",
        "E1BP2017_GM_ITEM_CREATE[1]",
        8,
    )
    assert "MOVE_TYPE in E1BP2017_GM_ITEM_CREATE[1] (line 8) is blank" in row["reason"]


def test_the_sale_is_minus_and_the_return_plus_and_refers_to_it(public):
    rows = public("synthetic/WPUBON01_sale_and_return.xml").accepted["pos/receipts"]
    assert rows.select("vorzeichen", "bonnummer", "refbonnr", "seriennr", "kondvalue").rows() == [
        ("-", "B00010023", None, "3SER10008791", None),
        ("+", "B00010101", "B00010023", "3SER10008791", None),
    ]


def test_a_parser_report_in_landing_is_no_delivery(public, refused):
    extracted = public("public/we60-parser-matmas01.txt")
    assert (refused(extracted)["reason_code"], extracted.refused_whole) == ("unknown_feed", True)


def test_the_public_parser_report_tells_all_segments_of_material_masters(shared_data):
    report = parser_report(shared_data / "idoc" / "public" / "we60-parser-matmas01.txt")
    assert {name: (layout.parents, len(layout.fields)) for name, layout in report.segments.items()} == {
        "E1MARAM": (("IDOC",), 123),
        "E1MAKTM": (("E1MARAM",), 4),
        "E1MARCM": (("E1MARAM",), 197),
        "E1MARDM": (("E1MARCM",), 15),
        "E1MARMM": (("E1MARAM",), 20),
        "E1MEANM": (("E1MARMM",), 6),
        "E1MBEWM": (("E1MARAM",), 75),
        "E1MLGNM": (("E1MARAM",), 25),
        "E1MVKEM": (("E1MARAM",), 49),
        "E1MLANM": (("E1MARAM",), 21),
        "E1MTXHM": (("E1MARAM",), 8),
        "E1MTXLM": (("E1MTXHM",), 3),
    }
    name, layout = report.find("E2MARAM009")
    assert (name, layout.record, layout.fields["MATNR"], layout.fields["MTART"]) == ("E1MARAM", "E2MARAM009", (3, 21), (77, 81))


def test_shipped_layouts_are_those_of_the_published_facts(shared_data):
    facts = json.loads((shared_data / "idoc" / "segment-layouts.json").read_text())
    shipped = shipped_layouts().segments
    for name, segment in facts.items():
        told = {f["field"]: (f["offset0"], f["offset0"] + f["length"]) for f in segment["fields"]}
        assert dict(list(shipped[name].fields.items())[: len(told)]) == told, name
