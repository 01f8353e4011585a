"""Every movement type through the real fold: what it makes of a unit, and that its reversal leaves the unit as it was.

What is expected stands here a second time, from what SAP says of each type, and not from the movement-type table.
"""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl
import pytest

from pipelines.home import project_root
from tests.flow.bronze import movement
from tests.properties.compiled import CompiledLedger

pytestmark = pytest.mark.slow

SEED = pl.read_csv(project_root() / "dbt_project" / "seeds" / "movement_types.csv", infer_schema=False)
STATE = ("unit_state", "status_code", "site_id", "storage_location_id", "stock_type_code", "special_stock_code")

# Where a unit stands before, and the movements that bring it there.
BEFORE = {
    "new": [],
    "in stock": [("101", {})],
    "in inspection": [("101", {"stck_type": "X"})],
    "blocked": [("101", {"stck_type": "S"})],
    "in returns": [("101", {}), ("601", {}), ("651", {})],
    "consignment": [("101", {"spec_stock": "K"})],
    "order stock": [("101", {}), ("413", {"spec_stock": "E"})],
    "project stock": [("101", {}), ("413", {"spec_stock": "Q"})],
    "packaging": [("501", {"spec_stock": "M"})],
    "GR blocked": [("103", {})],
    "valuated GR blocked": [("107", {})],
    "between sites": [("101", {}), ("303", {"move_plant": "S101"})],
    "between locations": [("101", {}), ("313", {"move_stloc": "0002"})],
    "ordered": [("101", {}), ("641", {"move_plant": "S101"})],
    "ordered across companies": [("101", {}), ("643", {"move_plant": "S101"})],
    "ordered without delivery": [("101", {}), ("351", {"move_plant": "S101"})],
    "sold": [("101", {}), ("601", {"customer": "C1"})],
    "at vendor": [("101", {}), ("541", {"vendor": "V1"})],
    "at customer": [("101", {}), ("631", {"customer": "C1"})],
    "missing": [("101", {}), ("702", {})],
}

TO_SITE = {"move_plant": "S101", "move_stloc": "0002"}
TO_LOCATION = {"move_stloc": "0002"}
AT_S101 = {"site": "S101"}

IN_STOCK = ("in_stock", "ESTO", "DC01", "0001", "01", None)
GONE = (None, None, None, None)


def in_stock(stock_type="01", site="DC01", location="0001", special=None):
    return ("in_stock", "ESTO", site, location, stock_type, special)


def gone(state, status="AVLB"):
    return (state, status, *GONE)


# Movement type, where the unit stands before, what the line says besides, and what becomes of the unit.
TYPES = [
    ("101", "new", {}, in_stock()),
    ("101", "new", {"stck_type": "X"}, in_stock("02")),
    ("101", "new", {"stck_type": "S"}, in_stock("07")),
    ("101", "new", {"spec_stock": "K"}, in_stock(special="K")),
    ("101", "new", {"spec_stock": "E"}, in_stock(special="E")),
    ("101", "new", {"spec_stock": "Q"}, in_stock(special="Q")),
    ("101", "ordered", AT_S101, in_stock(site="S101")),
    ("101", "ordered across companies", AT_S101, in_stock(site="S101")),
    ("101", "ordered without delivery", AT_S101, in_stock(site="S101")),
    ("103", "new", {}, ("blocked_receipt", "AVLB", "DC01", "0001", None, None)),
    ("105", "GR blocked", {}, in_stock()),
    ("105", "GR blocked", {"stck_type": "X"}, in_stock("02")),
    ("107", "new", {}, ("blocked_receipt", "AVLB", "DC01", "0001", None, None)),
    ("109", "valuated GR blocked", {}, in_stock()),
    ("122", "in stock", {"vendor": "V1"}, gone("returned_to_vendor")),
    ("122", "in inspection", {"vendor": "V1", "stck_type": "X"}, gone("returned_to_vendor")),
    ("124", "GR blocked", {"vendor": "V1"}, gone("returned_to_vendor")),
    ("161", "in stock", {"vendor": "V1"}, gone("returned_to_vendor")),
    *((kind, "in stock", {}, gone("consumed")) for kind in ("201", "221", "241", "261", "281")),
    ("251", "in stock", {}, gone("with_customer", "ECUS")),
    ("252", "sold", {}, in_stock()),
    ("301", "in stock", TO_SITE, in_stock(site="S101", location="0002")),
    ("303", "in stock", {"move_plant": "S101"}, ("in_transit", "ESTO", "S101", None, "05", None)),
    ("305", "between sites", AT_S101, in_stock(site="S101")),
    ("311", "in stock", TO_LOCATION, in_stock(location="0002")),
    ("311", "consignment", TO_LOCATION, in_stock(location="0002", special="K")),
    ("311", "packaging", TO_LOCATION, in_stock(location="0002", special="M")),
    ("313", "in stock", TO_LOCATION, ("in_transit", "ESTO", "DC01", "0002", "04", None)),
    ("315", "between locations", {"stge_loc": "0002"}, in_stock(location="0002")),
    ("321", "in inspection", {}, in_stock("01")),
    ("322", "in stock", {}, in_stock("02")),
    ("323", "in inspection", TO_LOCATION, in_stock("02", location="0002")),
    ("325", "blocked", TO_LOCATION, in_stock("07", location="0002")),
    ("343", "blocked", {}, in_stock("01")),
    ("344", "in stock", {}, in_stock("07")),
    ("349", "blocked", {}, in_stock("02")),
    ("350", "in inspection", {}, in_stock("07")),
    ("351", "in stock", {"move_plant": "S101"}, ("in_transit", "ESTO", "S101", None, "06", None)),
    ("411", "consignment", {"spec_stock": "K"}, in_stock()),
    ("411", "order stock", {"spec_stock": "E"}, in_stock()),
    ("411", "project stock", {"spec_stock": "Q"}, in_stock()),
    ("413", "in stock", {"spec_stock": "E"}, in_stock(special="E")),
    ("415", "in stock", {"spec_stock": "Q"}, in_stock(special="Q")),
    ("451", "sold", {}, in_stock("03")),
    ("453", "in returns", {}, in_stock("01")),
    ("501", "new", {}, in_stock()),
    ("501", "new", {"spec_stock": "M"}, in_stock(special="M")),
    ("503", "new", {}, in_stock("02")),
    ("505", "new", {}, in_stock("07")),
    ("541", "in stock", {"vendor": "V1"}, ("with_vendor", "ESTO", "DC01", None, "01", "O")),
    ("542", "at vendor", {"vendor": "V1"}, in_stock()),
    ("543", "at vendor", {"vendor": "V1"}, gone("consumed")),
    ("551", "in stock", {}, gone("scrapped")),
    ("553", "in inspection", {}, gone("scrapped")),
    ("555", "blocked", {}, gone("scrapped")),
    ("561", "new", {}, in_stock()),
    ("563", "new", {}, in_stock("02")),
    ("565", "new", {}, in_stock("07")),
    ("601", "in stock", {"customer": "C1"}, gone("with_customer", "ECUS")),
    ("601", "order stock", {"customer": "C1", "spec_stock": "E"}, gone("with_customer", "ECUS")),
    ("621", "in stock", {"customer": "C1"}, ("at_customer", "ESTO", None, None, "01", "V")),
    ("631", "in stock", {"customer": "C1"}, ("at_customer", "ESTO", None, None, "01", "W")),
    ("633", "at customer", {"customer": "C1"}, gone("with_customer", "ECUS")),
    ("641", "in stock", {"move_plant": "S101"}, ("in_transit", "ESTO", "S101", None, "06", None)),
    # Sold to the other company: nobody's stock until it is received there.
    ("643", "in stock", {"move_plant": "S101"}, ("in_transit", "AVLB", "S101", None, None, None)),
    ("645", "in stock", TO_SITE, in_stock(site="S101", location="0002")),
    ("647", "in stock", TO_SITE, in_stock(site="S101", location="0002")),
    ("651", "sold", {}, in_stock("03")),
    ("653", "sold", {}, in_stock("01")),
    ("655", "sold", {}, in_stock("02")),
    ("657", "sold", {}, in_stock("07")),
    ("661", "in stock", {"vendor": "V1"}, gone("returned_to_vendor")),
    *((kind, "missing", {}, in_stock(stock)) for kind, stock in (("701", "01"), ("703", "02"), ("707", "07"))),
    *((kind, "missing", {}, in_stock(stock)) for kind, stock in (("712", "01"), ("714", "02"), ("716", "03"), ("718", "07"))),
    ("702", "in stock", {}, gone("missing")),
    ("704", "in inspection", {}, gone("missing")),
    ("708", "blocked", {}, gone("missing")),
    ("711", "in stock", {}, gone("missing")),
    ("713", "in inspection", {}, gone("missing")),
    ("715", "in returns", {}, gone("missing")),
    ("717", "blocked", {}, gone("missing")),
]
REVERSALS = {
    row["movement_type"]: row["reversal_movement_type"]
    for row in SEED.iter_rows(named=True)
    if row["reversal_movement_type"] and row["line_role"] == "main"
}
# What comes back from a customer or a repairer comes back as a movement of its own, so 251 and 541 have no exact undoing.
UNDONE = [(number, case) for number, case in enumerate(TYPES) if case[0] in REVERSALS and case[0] not in {"251", "252", "541", "542"}]


def _life(serial: str, steps: list[tuple[str, dict]]) -> list[dict]:
    first = date(2026, 3, 2)
    return [
        movement(f"{serial}-{n}", 1, kind, serial, **{"ref_doc_no": f"{serial}-{n}", "day": first + timedelta(days=n), **fields})
        for n, (kind, fields) in enumerate(steps)
    ]


@pytest.fixture(scope="module")
def states(compiled):
    """State of every unit by its serial number: T after the type, U after type and reversal, B before both."""
    rows = [row for name, steps in BEFORE.items() for row in _life(f"B {name}", steps)]
    for number, (kind, before, fields, _) in enumerate(TYPES):
        rows += _life(f"T{number}", [*BEFORE[before], (kind, fields)])
    for number, (kind, before, fields, _) in UNDONE:
        named = {**fields, "matdoc_tr_cancel": f"U{number}-{len(BEFORE[before])}"}
        rows += _life(f"U{number}", [*BEFORE[before], (kind, fields), (REVERSALS[kind], named)])
    rows += _life("CHANGED", [("101", {}), ("309", {"move_mat": "A2"})])
    rows += _life(
        "CHANGED BACK", [("101", {}), ("309", {"move_mat": "A2"}), ("310", {"move_mat": "A2", "matdoc_tr_cancel": "CHANGED BACK-1"})]
    )
    # One document, whose receipt comes first and consumption second.
    order = {"ref_doc_no": "R", "day": date(2026, 3, 4)}
    rows += _life(
        "REPAIRED", [("101", {}), ("541", {"vendor": "V1"}), ("101", order), ("543", {**order, "vendor": "V1", "spec_stock": "O"})]
    )
    ledger = CompiledLedger(*compiled)
    ledger.deliver({"all": {"sap/goods_movements": rows}})
    ledger.build(whole=True)
    serials = ledger.content(["serials"])["serials"]
    assert serials.filter(pl.col("status_conflict").is_not_null()).select("serial_number", "status_conflict").rows() == []
    return {(row["serial_number"], row["article_id"]): tuple(row[name] for name in STATE) for row in serials.iter_rows(named=True)}


def test_every_type_of_the_table_is_tried():
    tried = {kind for kind, *_ in TYPES}
    tried |= {REVERSALS[kind] for _, (kind, *_) in UNDONE} | {"309", "310"}
    assert set(SEED["movement_type"]) - tried == set()


@pytest.mark.parametrize("number", range(len(TYPES)), ids=[f"{kind} {before}" for kind, before, *_ in TYPES])
def test_a_type_does_to_a_unit_what_sap_says(states, number):
    assert states[f"T{number}", "A1"] == TYPES[number][3]


@pytest.mark.parametrize(("number", "case"), UNDONE, ids=[f"{REVERSALS[case[0]]} after {case[0]} {case[1]}" for _, case in UNDONE])
def test_a_type_and_its_reversal_leave_a_unit_as_it_was(states, number, case):
    before = states.get((f"B {case[1]}".upper(), "A1"), gone("not_received"))
    assert states[f"U{number}", "A1"] == before


def test_a_unit_changes_its_article_and_changes_back(states):
    assert states["CHANGED", "A1"] == gone("changed_article")
    assert states["CHANGED", "A2"] == IN_STOCK
    assert states["CHANGED BACK", "A1"] == IN_STOCK
    assert states["CHANGED BACK", "A2"] == gone("changed_article")


def test_a_unit_repaired_on_an_order_is_consumed_at_the_vendor_and_received_anew(states):
    assert states["REPAIRED", "A1"] == IN_STOCK
