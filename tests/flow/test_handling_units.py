"""Handling units over time: what lay in which one, and that it goes where its handling unit goes."""

from __future__ import annotations

import json
from datetime import date, datetime

import polars as pl
import pytest

from tests.flow.bronze import movement
from tests.properties.compiled import CompiledLedger

pytestmark = pytest.mark.slow

DAY = date(2026, 3, 2)
CARTON, OTHER, PALLET = "395211210000000017", "395211210000000024", "395211210000000031"
DC, STORE = "9521321000018", "9521321000025"
GTIN = "09521141123454"
LINEAGE = ("file", "line")
TABLES = ("handling_unit_stays", "serial_movements", "serials", "epcis_events")


def event(name: str, hour: int, step: str | None, *units: dict, kind="ObjectEvent", day=4, **other) -> dict:
    """One event of a partner, at the centre unless it says another place."""
    numbered = [{"number": n, "id": unit.get("sscc") or f"S/{unit.get('serial')}", "key": "k", **unit} for n, unit in enumerate(units, 1)]
    return {
        "record_hash": name, "content_hash": name.removesuffix(" declared wrong"), "event_type": kind,
        "event_time": datetime(2026, 3, day, hour), "event_time_zone_offset": "+00:00", "action": "OBSERVE", "biz_step": step,
        "read_point_gln": DC, "units": json.dumps(numbered), "event_json": "{}", **other,
    }  # fmt: skip


def packing(name: str, hour: int, action: str, parent: str, *children: dict, day=4, **other) -> dict:
    units = [{"role": "parent", "sscc": parent}, *({"role": "child", **child} for child in children)]
    parent_id = f"https://id.gs1.org/00/{parent}"
    return event(name, hour, "packing", *units, kind="AggregationEvent", action=action, parent_id=parent_id, day=day, **other)


def unit(serial: str) -> dict:
    return {"gtin": GTIN, "serial": serial, "role": "object"}


def moved(sscc: str) -> dict:
    return {"sscc": sscc, "role": "object"}


def child(serial: str) -> dict:
    return {"gtin": GTIN, "serial": serial}


FIRST = {
    "sap/mara": [{"matnr": "A1", "ean11": GTIN.lstrip("0"), "extract_date": DAY}],
    "sap/t001w": [
        {"werks": "DC01", "vlfkz": "B", "gln": DC, "extract_date": DAY},
        {"werks": "S101", "vlfkz": "A", "gln": STORE, "extract_date": DAY},
    ],
    "sap/goods_movements": [movement(f"M{n}", 1, "101", f"U{n}", day=DAY) for n in range(1, 10)],
    "epcis/events": [
        packing("pack", 8, "ADD", CARTON, child("U1"), child("U2"), child("U3")),
        packing("stack", 9, "ADD", PALLET, {"sscc": CARTON}),
        packing("take out", 10, "DELETE", CARTON, child("U3")),
        # The pallet leaves: what is in its carton leaves with it.
        event("leave", 11, "shipping", moved(PALLET), disposition="in_transit", destination_gln=STORE),
        event("arrive", 9, "receiving", moved(PALLET), day=5, read_point_gln=STORE),
        packing("empty", 10, "DELETE", CARTON, day=5),
        # Too late: nothing is in it any more.
        event("destroy", 12, "destroying", moved(CARTON), day=6),
        # Named beside its carton, a unit moves once.
        packing("pack other", 8, "ADD", OTHER, child("U4"), child("U5")),
        event("leave other", 12, "shipping", moved(OTHER), unit("U4"), disposition="in_transit", destination_gln=STORE),
    ],
    "sap/deliveries": [
        {"vbeln": "80009", "posnr": "000010", "matnr": "A1", "sernr": f"U{n}", "lfart": "NL", "werks": "DC01", "partner_we": "S101",
         "lfimg": 2, "credat": DAY, "cretim": "090000", "goods_issue_actual_at": datetime(2026, 3, 2, 12)} for n in (7, 8)
    ],
    "sap/handling_units": [
        {"vbeln": "80009", "exidv": "00000000000000000077", "posnr": "000010", "matnr": "A1", "vemng": 2},
        {"vbeln": "80009", "exidv": "00000000000000000099", "inner_exidv": "00000000000000000077"},
    ],
    "sap/ser06": [{"obknr": 5, "venum": "1", "vepos": "1", "exidv": "00000000000000000055", "datum": DAY, "extract_date": DAY}],
    "sap/objk": [{"obknr": 5, "obzae": 1, "matnr": "A1", "sernr": "U9", "taser": "SER06", "extract_date": DAY}],
    "wms/receipts": [
        {"receipt_number": "R1", "receipt_line": 1, "article": "A1", "serial_number": "U9", "site": "DC01", "quantity": 1,
         "received_at": datetime(2026, 3, 3, 9), "handling_unit": "00000000000000000055"},
        {"receipt_number": "R1", "receipt_line": 2, "article": "A1", "serial_number": "U6", "site": "DC01", "quantity": 1,
         "received_at": datetime(2026, 3, 3, 9), "handling_unit": "00000000000000000066"},
    ],
}  # fmt: skip
SECOND = {
    "epcis/events": [
        # U5 was not in the other carton after all, and U2 had been taken out before the pallet left.
        {**FIRST["epcis/events"][7], "record_hash": "pack other declared wrong", "error_declared_at": datetime(2026, 3, 9)},
        packing("pack other rightly", 8, "ADD", OTHER, child("U4")),
        packing("take out, told late", 10, "DELETE", CARTON, child("U2")),
    ],
}  # fmt: skip


@pytest.fixture(scope="module")
def nights(compiled):
    """The tables after each of two nights, and after a full build of both."""
    ledger = CompiledLedger(*compiled)
    told = []
    # What is packed in a delivery comes in the delivery's own file.
    for name, night in (("first", FIRST), ("second", SECOND)):
        ledger.deliver({name: night})
        ledger.build(whole=False)
        told.append(ledger.content(TABLES))
    ledger.build(whole=True)
    return [*told, ledger.content(TABLES)]


def stays(tables, content_id):
    rows = tables["handling_unit_stays"].filter(pl.col("content_id") == content_id).sort("valid_to_at")
    return rows.select("handling_unit_id", "valid_from_at", "valid_to_at", "packed_by", "unpacked_by").rows()


def moves(tables, serial):
    rows = tables["serial_movements"].filter(pl.col("serial_number") == serial).sort("sequence_number")
    return rows.select("movement_type", "to_site_id", "unit_state").rows()


NEVER = datetime(9999, 12, 31)
RECEIVED = ("101", "DC01", "in_stock")
LEFT = ("641", "S101", "in_transit")
ARRIVED = ("101", "S101", "in_stock")


def test_packing_and_unpacking_make_stays(nights):
    first = nights[0]
    packed, emptied = datetime(2026, 3, 4, 8), datetime(2026, 3, 5, 10)
    assert stays(first, "A1/U1") == [(CARTON, packed, emptied, "epcis pack", "epcis empty")]
    assert stays(first, "A1/U3") == [(CARTON, packed, datetime(2026, 3, 4, 10), "epcis pack", "epcis take out")]
    assert stays(first, CARTON) == [(PALLET, datetime(2026, 3, 4, 9), NEVER, "epcis stack", None)]


def test_a_delivery_packs_its_items_and_a_receipt_unpacks_them(nights):
    packed = datetime(2026, 3, 2, 9)
    assert stays(nights[0], "A1/U7") == [("77", packed, NEVER, "delivery 80009", None)]
    assert stays(nights[0], "77") == [("99", packed, NEVER, "delivery 80009", None)]
    received = datetime(2026, 3, 3, 9)
    assert stays(nights[0], "A1/U9") == [("55", datetime(2026, 3, 2), received, "sap_tables 5", "wms R1")]
    # Nobody told who had packed it.
    assert stays(nights[0], "A1/U6") == [("66", None, received, None, "wms R1")]


def test_what_is_in_a_handling_unit_goes_where_it_goes(nights):
    first = nights[0]
    assert moves(first, "U1") == moves(first, "U2") == [RECEIVED, LEFT, ARRIVED]
    assert moves(first, "U3") == [RECEIVED]
    assert moves(first, "U4") == moves(first, "U5") == [RECEIVED, LEFT]
    codes = first["epcis_events"].filter(pl.col("handling_unit_id").is_not_null(), pl.col("business_step") != "packing")
    assert set(codes["ledger_code"]) == {"moved_with_content"}


def test_what_was_not_in_it_after_all_was_not_moved(nights):
    second = nights[1]
    assert moves(second, "U1") == [RECEIVED, LEFT, ARRIVED]
    assert moves(second, "U2") == moves(second, "U5") == [RECEIVED]
    assert moves(second, "U4") == [RECEIVED, LEFT]


def test_increments_equal_a_full_refresh(nights):
    for name in TABLES:
        assert nights[1][name].drop(LINEAGE, strict=False).equals(nights[2][name].drop(LINEAGE, strict=False)), name


def test_units_lie_where_the_simulated_retailer_packed_them(built_world):
    told = built_world.query("""
        select count(*) as stays, count(*) filter (where valid_from_at > valid_to_at) as backwards,
            count(*) filter (where packed_by is not null and unpacked_by is not null) as whole
        from handling_unit_stays where content_kind = 'unit'
    """)
    assert told["stays"].item() > 500
    assert told["backwards"].item() == 0
    assert told["whole"].item() > 0
    both = built_world.query("""
        select count(*) from handling_unit_stays as one inner join handling_unit_stays as other
            on one.content_id = other.content_id and one.valid_from_at < other.valid_from_at and other.valid_from_at < one.valid_to_at
    """)
    assert both.item() == 0
