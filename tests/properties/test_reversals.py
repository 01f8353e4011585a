"""A reversal undoes exactly: for every movement type that has one, after any possible way of a unit up to there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.properties.histories import LOCATIONS, SITES, TYPES, Step, Unit, files_of, optional, reversals

pytestmark = pytest.mark.slow
settings.load_profile("ledger")

REVERSED = reversals()
STATE = [
    "unit_state",
    "status_code",
    "site_id",
    "storage_location_id",
    "stock_type_code",
    "special_stock_code",
    "batch_id",
    "valuation_type",
    "status_conflict",
]
# How a unit in stock gets into a state that a movement type demands.
WAYS = {
    "in_stock": [],
    "in_transit": ["303"],
    "with_customer": ["601"],
    "at_customer": ["631"],
    "with_vendor": ["541"],
    "consumed": ["201"],
    "scrapped": ["551"],
    "returned_to_vendor": ["122"],
    "missing": ["702"],
    "not_received": ["102"],
}
BETWEEN_LOCATIONS = {"315": "313"}
WITHIN_SITE = ("311", "313", "315", "323", "325")
WITHIN_STOCK = ("301", "311", "321", "344", "411", "413")


@dataclass(frozen=True)
class Before:
    """What a unit goes through before the movement that is taken back, and how that is told."""

    stock: str | None
    special_stock: str | None
    batch: str | None
    valuation: str | None
    moves: Sequence[str]
    state: int
    batch_then: str | None
    valuation_then: str | None
    is_named: bool
    has_clock: bool


BEFORE = st.builds(
    Before,
    stock=optional(st.sampled_from("XS")),
    special_stock=optional(st.sampled_from("KEQ")),
    batch=optional(st.just("B1")),
    valuation=optional(st.just("NEW")),
    moves=st.lists(st.sampled_from(WITHIN_STOCK), max_size=3),
    state=st.integers(0, 9),
    batch_then=optional(st.just("B2")),
    valuation_then=optional(st.just("USED")),
    is_named=st.booleans(),
    has_clock=st.booleans(),
)


class Way:
    """A unit's possible way: each movement begins where the one before it ended."""

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self.site, self.location = SITES[0], LOCATIONS[0]

    def go(self, kind: str, **fields: object) -> None:
        """One more movement, a day later."""
        there, shelf = (next(name for name in names if name != now) for names, now in ((SITES, self.site), (LOCATIONS, self.location)))
        if kind in WITHIN_SITE:
            there = self.site
        if "line_or_counter" in (TYPES[kind]["from_place"], TYPES[kind]["to_place"]):
            # Such a line moves the unit only where it names another place, and these name none.
            there, shelf = self.site, self.location
        fields = {"site": self.site, "location": self.location, "other_site": there, "other_location": shelf, **fields}
        self.steps.append(Step(kind, day=len(self.steps), **fields))
        if kind in ("301", "303"):
            self.site = there
        if kind in ("301", "303", "311", "313"):
            self.location = shelf


def way_to(kind: str, before: Before) -> Way:
    """A unit's way to where the movement type may come next."""
    way = Way()
    allowed = [state for state in TYPES[kind]["allowed_states_before"].split() if state in WAYS or state == "blocked_receipt"]
    state = allowed[before.state % len(allowed)]
    receipt = "103" if state == "blocked_receipt" else "101"
    way.go(receipt, stock=before.stock, special_stock=before.special_stock, batch=before.batch, valuation=before.valuation)
    if state != "blocked_receipt":
        for move in (*before.moves, *([BETWEEN_LOCATIONS[kind]] if kind in BETWEEN_LOCATIONS else WAYS[state])):
            way.go(move)
    return way


def told_twice(number: int, kind: str, before: Before) -> tuple[Unit, Unit]:
    """The same way, once as it is, and once with the movement and what takes it back."""
    way = way_to(kind, before)
    plain = list(way.steps)
    hour = 8 if before.has_clock else None
    way.go(kind, hour=hour, batch=before.batch_then, valuation=before.valuation_then)
    taken_back = way.steps[-1]
    # On a day without a clock the reversal has to say what it takes back; it is posted with the same line.
    named = len(plain) if before.is_named or not before.has_clock else None
    undone = Step(**{**vars(taken_back), "kind": REVERSED[kind], "takes_back": named, "day": taken_back.day + bool(before.has_clock)})
    return Unit(f"P{number}", plain), Unit(f"R{number}", [*way.steps, undone])


@given(befores=st.fixed_dictionaries(dict.fromkeys(sorted(REVERSED), BEFORE)))
def test_every_movement_type_and_its_reversal_leave_the_unit_as_it_was(ledger, befores):
    assert len(befores) > 45
    pairs = {number: (kind, *told_twice(number, kind, before)) for number, (kind, before) in enumerate(befores.items())}
    ledger.clear()
    ledger.deliver(files_of([unit for _, *units in pairs.values() for unit in units]))
    ledger.build(whole=True)
    cards = ledger.query("select * from serials where article_id = 'A1'").select("serial_number", *STATE)
    before, after = (
        cards.filter(pl.col("serial_number").str.starts_with(side)).with_columns(pl.col("serial_number").str.slice(1).cast(pl.Int64))
        for side in "PR"
    )
    both = before.join(after, on="serial_number", suffix="_after")
    assert both.height == len(pairs)
    different = both.filter(pl.any_horizontal(pl.col(name).ne_missing(pl.col(f"{name}_after")) for name in STATE))
    assert {pairs[row["serial_number"]][0]: row for row in different.iter_rows(named=True)} == {}
