"""The IDoc files found in public and those made to the layouts: each is read, or refused with a sensible reason."""

from __future__ import annotations

import pytest

from pipelines.sources import extract

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
}


@pytest.fixture
def public(shared_data, contracts, check):
    def public(name: str):
        return check(extract(shared_data / "idoc" / name, f"sap/idoc/{name}", contracts=contracts), contracts)

    return public


@pytest.mark.parametrize("name", READ)
def test_every_xml_file_gives_its_records(public, name):
    assert {table: frame.height for table, frame in public(name).accepted.items()} == READ[name]


def test_no_xml_file_is_left_out(shared_data):
    assert {path.relative_to(shared_data / "idoc").as_posix() for path in (shared_data / "idoc").rglob("*.xml")} == set(READ)


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


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("synthetic/DELVRY07_DESADV_serials.txt", "flat_idoc"),
        ("synthetic/WPUBON01_sale_and_return.txt", "flat_idoc"),
        ("public/we60-parser-matmas01.txt", "unknown_feed"),
    ],
)
def test_text_files_are_refused_whole_without_personal_data(public, refused, name, code):
    extracted = public(name)
    row = refused(extracted)
    assert (row["reason_code"], extracted.refused_whole) == (code, True)
    assert [word for word in ("Carrier One", "Austin", "0000700123") if word in row["raw_record"]] == []
