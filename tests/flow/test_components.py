"""What is built into which unit, and that a recall finds units by their components."""

from __future__ import annotations

import json
from datetime import date, datetime

import polars as pl
import pytest

from tests.flow.bronze import movement
from tests.properties.compiled import CompiledLedger

pytestmark = pytest.mark.slow

DAY = date(2026, 3, 2)
PHONE, BATTERY = "09521141123454", "09521141999999"


def event(name: str, hour: int, kind: str, action: str | None, *units: dict) -> dict:
    numbered = [{"number": number, "id": f"id-{number}", "key": "k", **unit} for number, unit in enumerate(units, 1)]
    return {
        "record_hash": name, "content_hash": name, "event_type": kind, "event_time": datetime(2026, 3, 4, hour),
        "event_time_zone_offset": "+00:00", "action": action, "units": json.dumps(numbered), "event_json": "{}",
    }  # fmt: skip


def phone(serial: str, role: str) -> dict:
    return {"gtin": PHONE, "serial": serial, "role": role}


def battery(role: str, **named: str) -> dict:
    return {"gtin": BATTERY, "role": role, **named}


NIGHT = {
    "sap/mara": [{"matnr": "A1", "ean11": PHONE.lstrip("0"), "extract_date": DAY}],
    "sap/goods_movements": [movement(f"M{serial}", 1, "101", serial, day=DAY) for serial in ("U1", "U2", "U3", "U4")],
    "epcis/events": [
        event("assembled", 8, "AggregationEvent", "ADD", phone("U1", "parent"), battery("child", serial="B1")),
        event("taken out", 9, "AggregationEvent", "DELETE", phone("U1", "parent"), battery("child", serial="B1")),
        event("put in", 10, "AggregationEvent", "ADD", phone("U2", "parent"), battery("child", serial="B1")),
        event("made", 8, "TransformationEvent", None, battery("input", lot="L7"), phone("U3", "output")),
        # Which of two outputs has which input nobody says.
        event("made two", 8, "TransformationEvent", None, battery("input", serial="B9"), phone("U3", "output"), phone("U4", "output")),
    ],
    "sap/equi": [
        {"equnr": "1", "matnr": "A1", "sernr": "U4", "extract_date": DAY},
        {"equnr": "2", "matnr": "A1", "sernr": "U3", "extract_date": DAY},
    ],
    "sap/equz": [{"equnr": "2", "datbi": date(9999, 12, 31), "eqlfn": 1, "datab": date(2026, 3, 1), "hequi": "1", "extract_date": DAY}],
    "repair_vendor/repair_orders": [
        {"repair_order": "R1", "vendor": "V1", "article": "A1", "serial_number": "U4", "received_on": DAY, "returned_on": date(2026, 3, 9),
         "outcome": "repaired", "component": "Display"},
    ],
}  # fmt: skip


@pytest.fixture(scope="module")
def marts(compiled):
    ledger = CompiledLedger(*compiled)
    ledger.deliver({"night": NIGHT})
    ledger.build(whole=True)
    return ledger.content(["serial_components", "unit_traits", "serials"])


def test_components_are_built_in_and_taken_out(marts):
    told = marts["serial_components"].sort("parent_serial_number", "installed_from_at")
    columns = (
        "parent_serial_number",
        "component_article_id",
        "component_serial_number",
        "component_batch_id",
        "component_name",
        "is_installed",
    )
    gtin = BATTERY.lstrip("0")
    assert told.select(columns).rows() == [
        ("U1", gtin, "B1", None, None, False),
        ("U2", gtin, "B1", None, None, True),
        ("U3", gtin, None, "L7", None, True),
        ("U4", "A1", "U3", None, None, True),
        ("U4", None, None, None, "display", True),
    ]
    taken_out = told.filter(pl.col("parent_serial_number") == "U1")
    assert taken_out.select("installed_from_at", "installed_to_at").row(0) == (datetime(2026, 3, 4, 8), datetime(2026, 3, 4, 9))


def test_a_unit_is_found_by_what_was_ever_in_it(marts):
    traits = marts["unit_traits"].filter(pl.col("trait_code") == "component").sort("serial_number", "trait_value")
    gtin = BATTERY.lstrip("0")
    assert traits.select("serial_number", "trait_value").rows() == [
        ("U1", f"{gtin}/B1"),
        ("U2", f"{gtin}/B1"),
        ("U3", f"{gtin}/L7"),
        ("U4", "A1/U3"),
        ("U4", "display"),
    ]


def test_the_card_of_a_part_names_the_unit_that_it_is_in(marts):
    card = marts["serials"].filter(pl.col("parent_serial_number").is_not_null())
    assert card.select("serial_number", "parent_article_id", "parent_serial_number").rows() == [("U3", "A1", "U4")]
