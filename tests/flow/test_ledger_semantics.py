"""What movements make of a unit: special stocks, repairs, changes of article, counts, and reversals that undo exactly."""

from __future__ import annotations

import csv
import random
from collections.abc import Iterator
from datetime import date, datetime, timedelta

import polars as pl
import pytest

from pipelines.home import project_root
from tests.flow.bronze import movement
from tests.properties.compiled import CompiledLedger

pytestmark = pytest.mark.slow

FIRST_DAY = date(2026, 3, 2)
STATE = (
    "unit_state",
    "status_code",
    "site_id",
    "storage_location_id",
    "stock_type_code",
    "special_stock_code",
    "batch_id",
    "valuation_type",
)
# What comes back from a customer or a repairer comes back as a movement of its own.
NO_REVERSALS = {"252", "542"}


def life(serial: str, *steps: tuple[str, dict], first: date = FIRST_DAY) -> list[dict]:
    """A unit's movements, one a day; a step may name its document and its day itself."""
    rows = []
    for number, (kind, fields) in enumerate(steps):
        named = {"ref_doc_no": f"{serial}-{number}", "day": first + timedelta(days=number), **fields}
        rows.append(movement(f"{serial}-{number}", 1, kind, serial, **named))
    return rows


LIVES = {
    "consignment": [("101", {"spec_stock": "K"}), ("311", {"move_stloc": "0002"})],
    "bought from consignment": [("101", {"spec_stock": "K"}), ("411", {"spec_stock": "K"})],
    "for an order": [("101", {}), ("413", {"spec_stock": "E", "sales_ord": "0000004711"})],
    "for a project": [("101", {}), ("413", {"spec_stock": "Q"})],
    "order delivered": [("101", {}), ("413", {"spec_stock": "E"}), ("601", {"spec_stock": "E", "customer": "C1"})],
    "at the customer": [("101", {}), ("631", {"customer": "C1"})],
    "used by the customer": [("101", {}), ("631", {"customer": "C1"}), ("633", {"customer": "C1"})],
    "packaging": [("101", {}), ("621", {"customer": "C1"})],
    "packaging of a vendor": [("501", {"spec_stock": "M"})],
    "out to vendor": [("101", {}), ("541", {"vendor": "V1"})],
    "back unrepaired": [("101", {}), ("541", {"vendor": "V1"}), ("542", {"vendor": "V1", "stge_loc": "0003"})],
    "counted and found": [("101", {}), ("702", {}), ("701", {})],
    "lost in the warehouse": [("101", {}), ("711", {})],
    "found in the warehouse": [("101", {}), ("711", {}), ("712", {})],
    "between sites": [("101", {}), ("303", {"move_plant": "S101"})],
    "between storage locations": [("101", {}), ("313", {"move_stloc": "0002"})],
    "ordered by a store": [("101", {}), ("351", {"move_plant": "S101"})],
    "bought twice": [("101", {}), ("601", {}), ("651", {}), ("453", {}), ("601", {}), ("602", {}), ("601", {})],
    "blocked, then inspected": [("101", {}), ("344", {}), ("349", {})],
    "used": [("101", {"val_type": "USED"})],
}
EXPECTED = {
    "consignment": ("in_stock", "ESTO", "0002", "01", "K"),
    "bought from consignment": ("in_stock", "ESTO", "0001", "01", None),
    "for an order": ("in_stock", "ESTO", "0001", "01", "E"),
    "for a project": ("in_stock", "ESTO", "0001", "01", "Q"),
    "order delivered": ("with_customer", "ECUS", None, None, None),
    "at the customer": ("at_customer", "ESTO", None, "01", "W"),
    "used by the customer": ("with_customer", "ECUS", None, None, None),
    "packaging": ("at_customer", "ESTO", None, "01", "V"),
    "packaging of a vendor": ("in_stock", "ESTO", "0001", "01", "M"),
    "out to vendor": ("with_vendor", "ESTO", None, "01", "O"),
    "back unrepaired": ("in_stock", "ESTO", "0003", "01", None),
    "counted and found": ("in_stock", "ESTO", "0001", "01", None),
    "lost in the warehouse": ("missing", "AVLB", None, None, None),
    "found in the warehouse": ("in_stock", "ESTO", "0001", "01", None),
    "between sites": ("in_transit", "ESTO", None, "05", None),
    "between storage locations": ("in_transit", "ESTO", "0002", "04", None),
    "ordered by a store": ("in_transit", "ESTO", None, "06", None),
    "bought twice": ("with_customer", "ECUS", None, None, None),
    "blocked, then inspected": ("in_stock", "ESTO", "0001", "02", None),
    "used": ("in_stock", "ESTO", "0001", "01", None),
}


def lives_told() -> Iterator[dict]:
    for name, steps in LIVES.items():
        yield from life(name, *steps)
    # Repaired on a subcontracting order: received, and consumed as provided stock, in one document of a day that has no clock.
    late = {"ref_doc_no": "REPAIR", "credat": date(2026, 4, 1)}
    yield from life("repaired", ("101", {}), ("541", {"vendor": "V1"}), ("101", late), ("543", {**late, "day": date(2026, 3, 4)}))
    for name in ("ONE STORY", "TWO STORIES", "TWO SHELVES"):
        yield from life(name, ("101", {}))
    yield from life("two places", ("101", {}), ("101", {"site": "S101"}))
    for name, chain in (("DELIVERED", {"deliv_numb_to_search": "80001"}), ("LATER", {})):
        yield from life(
            name,
            ("101", {}),
            ("303", {"move_plant": "S101", **chain}),
            ("305", {"site": "S101", **chain}),
            ("101", {"site": "S102", "day": date(2026, 3, 4), "credat": date(2026, 3, 4), "cretim": "160000"}),
        )
    yield from life("WITNESSED", ("101", {}), ("101", {"site": "S101", "day": FIRST_DAY, "cretim": "160000"}))
    yield from life("renamed", ("101", {}), ("309", {"move_mat": "A2"}), ("251", {"article": "A2"}))
    yield from life("renamed back", ("101", {}), ("309", {"move_mat": "A2"}), ("310", {"move_mat": "A2"}))


def named_reversals() -> Iterator[dict]:
    """Two transfers and a receipt, taken back in another order than that of a stack, and one on a day without a clock."""
    steps = [
        ("101", {}),
        ("311", {"move_stloc": "0002"}),
        ("344", {"stge_loc": "0002"}),
        ("312", {"move_stloc": "0002", "matdoc_tr_cancel": "by name-1"}),
    ]
    yield from life("by name", *steps)
    no_clock = {"day": date(2026, 3, 3), "credat": date(2026, 4, 1)}
    yield from life("no clock", ("101", {"stck_type": "X"}), ("201", no_clock), ("202", {**no_clock, "matdoc_tr_cancel": "no clock-1"}))


class Walk:
    """A random life that is possible, for as long as it is asked to go on."""

    def __init__(self, chance: random.Random) -> None:
        self.chance, self.state, self.site, self.there, self.location = chance, "new", "DC01", "", "0001"

    def step(self) -> tuple[str, dict]:
        here = {"site": self.site, "stge_loc": self.location, "batch": self.chance.choice([None, "B1", "B2"])}
        other = self.chance.choice([site for site in ("DC01", "S101", "S102") if site != self.site])
        options = {
            "new": [
                ("101", {"stck_type": self.chance.choice([None, "X", "S"]), "spec_stock": self.chance.choice([None, "K"])}),
                ("561", {}),
            ],
            "in_stock": [
                ("301", {"move_plant": other, "move_stloc": "0001"}),
                ("303", {"move_plant": other}),
                ("311", {"move_stloc": "0002"}),
                ("344", {}),
                ("413", {"spec_stock": "E"}),
                ("541", {"vendor": "V1"}),
                ("601", {"customer": "C1"}),
                ("631", {"customer": "C1"}),
                ("551", {}),
                ("201", {}),
                ("122", {}),
            ],
            "in_transit": [("305", {"site": self.there})],
            "with_vendor": [("543", {})],
            "with_customer": [("651", {}), ("653", {})],
            "at_customer": [("633", {})],
        }
        kind, fields = self.chance.choice(options.get(self.state, [("701", {})]))
        self.go(kind, fields)
        return kind, {**here, **fields}

    def go(self, kind: str, fields: dict) -> None:
        states = {"303": "in_transit", "541": "with_vendor", "601": "with_customer", "633": "with_customer", "631": "at_customer"}
        gone = {"551", "201", "122", "543"}
        self.state = "gone" if kind in gone else states.get(kind, "in_stock")
        self.there = fields.get("move_plant", self.there)
        if kind == "301":
            self.site = fields["move_plant"]
        if kind == "305":
            self.site = self.there
        self.location = fields.get("move_stloc", self.location) if kind in {"301", "311"} else self.location


def reversals() -> dict[str, str]:
    """The movement type that takes each movement type back, where one does and nothing else."""
    with (project_root() / "dbt_project" / "seeds" / "movement_types.csv").open(encoding="utf-8") as file:
        types = {row["movement_type"]: row for row in csv.DictReader(file) if row["line_role"] == "main"}
    back = {kind: row["reversal_movement_type"] for kind, row in types.items()}
    return {kind: to for kind, to in back.items() if to and types[to]["is_reversal"] == "true" and to not in NO_REVERSALS}


def walks(number: int) -> Iterator[tuple[list[dict], list[dict]]]:
    """Random lives, each as it is, and with one more movement that is taken back by the next movement type and the same line."""
    back = reversals()
    for index in range(number):
        walk = Walk(random.Random(index))
        steps = [walk.step() for _ in range(walk.chance.randint(1, 6))]
        kind, fields = walk.step()
        if kind in back:
            undone = [(kind, fields), (back[kind], {**fields, "matdoc_tr_cancel": f"R{index}-{len(steps)}"})]
            yield life(f"P{index}", *steps), life(f"R{index}", *steps, *undone)


@pytest.fixture(scope="module")
def marts(compiled):
    pairs = list(walks(400))
    rows = [*lives_told(), *named_reversals(), *(row for pair in pairs for each in pair for row in each)]
    scans = [
        scan("TWO STORIES", "TWO STORIES-0", site="S101", storage_location="0001"),
        scan("TWO SHELVES", "TWO SHELVES-0", site="DC01", storage_location="0009"),
        scan("ONE STORY", "ONE STORY-0", site="DC01", storage_location="0001"),
        scan("WITNESSED", "WITNESSED-0", site="DC01", storage_location="0001"),
    ]
    prices = [
        {"matnr": "A1", "bwkey": "DC01", "bwtar": None, "vprsv": "V", "verpr": 500, "stprs": 1, "extract_date": FIRST_DAY},
        {"matnr": "A1", "bwkey": "DC01", "bwtar": "USED", "vprsv": "S", "verpr": 1, "stprs": 300, "extract_date": FIRST_DAY},
    ]
    ledger = CompiledLedger(*compiled)
    ledger.deliver({"night": {"sap/goods_movements": rows, "handheld/scans": scans, "sap/mbew": prices}})
    ledger.build(whole=True)
    return ledger.content(["serials", "serial_movements", "serial_conflicts", "serial_stays", "stock_daily"])


def scan(serial: str, document: str, **fields) -> dict:
    """A unit received by hand at noon of the first day."""
    return {
        "scan_id": f"scan-{serial}",
        "device_id": "D",
        "scanned_at": datetime(2026, 3, 2, 12),
        "action": "receive",
        "article": "A1",
        "serial_number": serial,
        "document_id": document,
        **fields,
    }


def card(marts, serial, *columns, article="A1"):
    rows = marts["serials"].filter(pl.col("serial_number") == serial.upper(), pl.col("article_id") == article)
    return rows.select(*columns).row(0)


@pytest.mark.parametrize("name", LIVES)
def test_a_life_ends_in_its_state_stock_type_and_special_stock(marts, name):
    columns = ("unit_state", "status_code", "storage_location_id", "stock_type_code", "special_stock_code")
    assert card(marts, name, *columns) == EXPECTED[name]
    assert card(marts, name, "status_conflict") == (None,)


def test_a_unit_repaired_on_an_order_is_consumed_at_the_vendor_and_received_anew(marts):
    assert card(marts, "repaired", "unit_state", "special_stock_code", "repair_count", "status_conflict") == ("in_stock", None, 1, None)
    told = marts["serial_movements"].filter(pl.col("serial_number") == "REPAIRED").sort("sequence_number")
    assert told["movement_type"].to_list() == ["101", "541", "543", "101"]


def test_a_unit_that_changes_its_article_keeps_its_line_of_descent(marts):
    columns = ("unit_state", "previous_article_id", "next_article_id")
    assert card(marts, "renamed", *columns) == ("changed_article", None, "A2")
    assert card(marts, "renamed", *columns, article="A2") == ("with_customer", "A1", None)
    assert card(marts, "renamed back", *columns) == ("in_stock", None, None)


def test_a_unit_is_worth_what_its_valuation_type_is_valued_at_while_it_is_ours(marts):
    columns = ("valuation_type_name", "current_value")
    assert card(marts, "used", *columns) == ("Used", 300)
    assert card(marts, "consignment", *columns) == (None, 500)
    assert card(marts, "order delivered", *columns) == (None, None)


def test_the_card_says_in_words_what_is_wrong_and_what_happened_last(marts):
    columns = ("status_name", "last_movement_name", "conflict_reasons")
    assert card(marts, "two places", *columns) == (
        "In the warehouse",
        "Goods receipt for purchase order or order",
        "received while in stock at another site",
    )
    assert card(marts, "lost in the warehouse", *columns) == ("Exists, in no stock", "Count loss, warehouse management", None)


def test_sales_and_returns_are_counted_less_what_was_taken_back(marts):
    assert card(marts, "bought twice", "movement_count", "sale_count", "return_count") == (7, 2, 1)


def test_a_reversal_takes_back_the_movement_that_it_names(marts):
    # The unit was blocked after it was moved: what is taken back is the move, and the unit lies where the reversal says.
    assert card(marts, "by name", "storage_location_id", "stock_type_code") == ("0001", "01")
    told = marts["serial_movements"].filter(pl.col("serial_number") == "NO CLOCK").sort("sequence_number")
    assert told["movement_type"].to_list() == ["101", "201", "202"]
    assert card(marts, "no clock", "unit_state", "stock_type_code", "status_conflict") == ("in_stock", "02", None)


def test_a_reversal_undoes_exactly(marts):
    serials = marts["serials"].select("serial_number", "status_conflict", *STATE)
    before = serials.filter(pl.col("serial_number").str.contains(r"^P\d")).with_columns(pl.col("serial_number").str.strip_prefix("P"))
    after = serials.filter(pl.col("serial_number").str.contains(r"^R\d")).with_columns(pl.col("serial_number").str.strip_prefix("R"))
    both = before.join(after, on="serial_number", suffix="_after")
    assert both.height > 250
    different = both.filter(pl.any_horizontal(pl.col(name).ne_missing(pl.col(f"{name}_after")) for name in (*STATE, "status_conflict")))
    assert different.rows(named=True) == []


def test_every_version_of_a_contradiction_stays_visible_with_its_cause(marts):
    told = marts["serial_conflicts"].sort("serial_number", "version_number")
    told = told.filter(pl.col("serial_number").is_in(["ONE STORY", "TWO STORIES", "TWO SHELVES", "TWO PLACES"]))
    columns = ("serial_number", "cause_code", "version_number", "is_followed", "source_names", "storage_location_id", "to_site_id")
    assert told.select(columns).rows() == [
        ("TWO PLACES", "in_two_places", 1, False, "sap", "0001", "DC01"),
        ("TWO PLACES", "in_two_places", 2, True, "sap", "0001", "S101"),
        ("TWO SHELVES", "witnesses_name_other_storage_locations", 1, False, "handheld", "0009", "DC01"),
        ("TWO SHELVES", "witnesses_name_other_storage_locations", 2, True, "sap", "0001", "DC01"),
        ("TWO STORIES", "witnesses_name_other_sites", 1, False, "handheld", "0001", "DC01"),
        ("TWO STORIES", "witnesses_name_other_sites", 2, True, "sap", "0001", "DC01"),
    ]


@pytest.mark.parametrize(
    ("serial", "site", "decided_by"),
    [
        ("DELIVERED", "S101", "document_chain"),
        ("WITNESSED", "DC01", "witness_count"),
        ("LATER", "S102", "time"),
        ("TWO PLACES", "S101", "time"),
    ],
)
def test_of_two_claims_of_one_day_the_chain_of_documents_decides_then_the_witnesses_then_time(marts, serial, site, decided_by):
    assert card(marts, serial, "unit_state", "site_id", "status_conflict") == ("in_stock", site, "in_two_places")
    told = marts["serial_conflicts"].filter(pl.col("serial_number") == serial)
    assert told.filter("is_followed").select("to_site_id", "decided_by").rows() == [(site, decided_by)]
    assert told.height == 2
    last = marts["serial_stays"].filter(pl.col("serial_number") == serial, pl.col("is_current"))
    assert last["site_id"].to_list() == [site]
    newest = marts["stock_daily"].filter(pl.col("stock_date") == pl.col("stock_date").max())
    held = marts["serials"].filter(pl.col("unit_state").is_in(["in_stock", "in_transit", "with_vendor"]), pl.col("site_id").is_not_null())
    assert newest["units"].sum() == held.height
