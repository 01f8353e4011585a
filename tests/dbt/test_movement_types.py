"""The movement-type table: the one place where the meaning of a goods movement is written down."""

import polars as pl
import pytest

from pipelines.home import project_root

SEEDS = project_root() / "dbt_project" / "seeds"
TYPES = pl.read_csv(SEEDS / "movement_types.csv", infer_schema=False)
MAIN = {row["movement_type"]: row for row in TYPES.filter(pl.col("line_role") == "main").iter_rows(named=True)}

NAMED_IN_THE_DOMAIN = """
    101 102 103 104 105 106 107 108 109 110 122 123 124 125 161 162 201 202 221 222 241 242 251 252 261 262 281 282
    301 302 303 304 305 306 309 310 311 312 313 314 315 316 321 322 323 324 325 326 343 344 349 350 351 352 411 412 413 414
    451 452 453 454 501 502 541 542 543 544 551 552 553 554 555 556 561 562 563 564 565 566 601 602 621 622 631 632 633 634
    641 642 643 644 645 646 647 648 651 652 653 654 655 656 657 658 661 662 701 702 703 704 707 708 711 712
"""


def test_every_movement_type_of_the_domain_is_there():
    assert set(NAMED_IN_THE_DOMAIN.split()) - set(MAIN) == set()


def test_a_type_and_role_stands_once():
    assert TYPES.select("movement_type", "line_role").is_duplicated().sum() == 0


def test_tryton_moves_become_types_that_the_ledger_knows():
    moves = pl.read_csv(SEEDS / "tryton_movement_types.csv", infer_schema=False)
    assert set(moves["movement_type"]) - set(MAIN) == set()
    assert moves.select("from_kind", "to_kind").is_duplicated().sum() == 0
    # The line's place is the end of the move that lies in our stock, as the movement type has it.
    place = {"101": "to", "653": "to", "305": "to", "701": "to"}
    assert {row["place_of_line"] == place.get(row["movement_type"], "from") for row in moves.iter_rows(named=True)} == {True}


@pytest.mark.parametrize("movement_type", [t for t, row in MAIN.items() if row["reversal_movement_type"]])
def test_a_reversal_reverses_back(movement_type):
    reversal = MAIN[movement_type]["reversal_movement_type"]
    assert MAIN[reversal]["reversal_movement_type"] == movement_type


@pytest.mark.parametrize(
    ("movement_type", "state", "status", "stock_type"),
    [
        ("101", "in_stock", "ESTO", "01"),
        ("251", "with_customer", "ECUS", None),
        ("303", "in_transit", "ESTO", "05"),
        ("313", "in_transit", "ESTO", "04"),
        ("541", "with_vendor", "ESTO", "01"),
        ("551", "scrapped", "AVLB", None),
        ("601", "with_customer", "ECUS", None),
        ("641", "in_transit", "ESTO", "06"),
        ("651", "in_stock", "ESTO", "03"),
        ("657", "in_stock", "ESTO", "07"),
        ("702", "missing", "AVLB", None),
        ("711", "missing", "AVLB", None),
        ("712", "in_stock", "ESTO", "01"),
    ],
)
def test_what_a_movement_does_to_a_unit(movement_type, state, status, stock_type):
    row = MAIN[movement_type]
    assert (row["state_after"], row["status_after"], row["stock_type_to"]) == (state, status, stock_type)


def test_every_state_that_is_demanded_before_is_reached_by_some_movement():
    reached = set(TYPES["state_after"].drop_nulls()) | {"new"}
    demanded = {state for states in TYPES["allowed_states_before"].drop_nulls() for state in states.split()}
    assert demanded <= reached


def test_handheld_actions_are_movement_types():
    actions = pl.read_csv(SEEDS / "handheld_actions.csv", infer_schema=False)
    assert set(actions["movement_type"]) <= set(MAIN)
