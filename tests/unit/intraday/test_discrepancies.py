"""Discrepancies: each cause on the smallest case that has it."""

from pathlib import Path

import duckdb
import pytest

import pipelines.intraday

QUERY = Path(pipelines.intraday.__file__).with_name("discrepancies.sql").read_text(encoding="utf-8")
MOVE = """
    article_id varchar, serial_number varchar, sequence_number int, unit_state varchar, to_site_id varchar,
    to_storage_location_id varchar, movement_type varchar, document_id varchar, delivery_id varchar, moved_at timestamp"""
SCAN = """
    scan_id varchar, action varchar, count_document_id varchar, delivery_id varchar, document_id varchar, article_id varchar,
    serial_number varchar, site_id varchar, storage_location_id varchar, scanned_at timestamp, file varchar, ingested_at timestamp"""
UNIT = """
    article_id varchar, serial_number varchar, unit_state varchar, site_id varchar, storage_location_id varchar,
    last_moved_at timestamp, last_document_id varchar"""
LINE = """
    delivery_id varchar, article_id varchar, serial_number varchar, delivery_type varchar, from_site_id varchar, ship_to_id varchar"""
HERE = ("in_stock", "S1", "0001", "101", "R1", None)
"""A unit in stock at S1/0001: state, site, storage location, movement type, document, delivery."""


def found(*, moves=(), counts=(), receipts=(), announced=(), book=()) -> set[tuple[str, str]]:
    """Causes by serial number. `moves` are (serial, *HERE); `counts` and `receipts` serials scanned at S1/0001 on the third."""
    with duckdb.connect() as connection:
        for table, columns in {"book_movements": MOVE, "judged_scans": SCAN, "book_units": UNIT, "announced_units": LINE}.items():
            connection.execute(f"create table {table} ({columns})")
        for serial, state, site, location, kind, document, delivery in moves:
            connection.execute(
                "insert into book_movements values ('A', ?, 1, ?, ?, ?, ?, ?, ?, '2026-01-01')",
                [serial, state, site, location, kind, document, delivery],
            )
        scans = [("count", "C1", None, "C1", serial) for serial in counts] + [("receive", None, "D1", "RC1", serial) for serial in receipts]
        for number, (action, count, delivery, document, serial) in enumerate(scans):
            connection.execute(
                "insert into judged_scans values (?, ?, ?, ?, ?, 'A', ?, 'S1', '0001', '2026-01-03', 'f', '2026-01-03 01:00:00')",
                [str(number), action, count, delivery, document, serial],
            )
        for serial in book:
            connection.execute("insert into book_units values ('A', ?, 'in_stock', 'S1', '0001', '2026-01-01', 'R1')", [serial])
        for serial, ship_to in announced:
            connection.execute("insert into announced_units values ('D1', 'A', ?, 'NL', 'DC', ?)", [serial, ship_to])
        return {(row[0], row[1]) for row in connection.execute(f"select serial_number, cause_code from ({QUERY})").fetchall()}


@pytest.mark.parametrize(
    ("move", "cause"),
    [
        (HERE, None),
        (("in_stock", "S2", "0001", "101", "R1", None), "wrong_site"),
        (("in_stock", "S1", "0002", "101", "R1", None), "wrong_storage_location"),
        (("in_transit", "S1", None, "641", "D1", "D1"), "not_received"),
        (("with_customer", None, None, "251", "T1", None), "already_sold"),
        (("with_vendor", "S1", None, "541", "V1", None), "with_vendor"),
        (("scrapped", None, None, "551", "X1", None), "not_in_stock"),
        (None, "unknown_serial"),
    ],
)
def test_a_counted_unit_is_held_against_the_book(move, cause):
    assert found(moves=[("1", *move)] if move else [], counts=["1"]) == ({("1", cause)} if cause else set())


def test_what_the_book_has_and_the_count_did_not_find_is_short():
    assert found(moves=[("1", *HERE)], counts=["1"], book=["1", "2"]) == {("2", "short")}


def test_units_of_articles_that_the_count_found_none_of_are_left_to_the_night():
    assert found(counts=[], book=["2"]) == set()


ON_ITS_WAY = ("in_transit", "S1", None, "641", "D1", "D1")


@pytest.mark.parametrize(
    ("move", "announced", "cause"),
    [
        (ON_ITS_WAY, [("1", "S1")], None),
        (ON_ITS_WAY, [], "not_announced"),
        (ON_ITS_WAY, [("1", "S2")], "wrong_site"),
        (("with_customer", None, None, "251", "T1", None), [("1", "S1")], "already_sold"),
        (HERE, [("1", "S1")], "received_twice"),
        (("in_stock", "DC", "0001", "101", "R1", None), [("1", "S1")], "not_transferred"),
        (ON_ITS_WAY, [("2", "S1")], "overage"),
        (None, [(None, "S1")], "unknown_serial"),
    ],
)
def test_a_received_unit_is_held_against_its_delivery_and_the_book(move, announced, cause):
    causes = found(moves=[("1", *move)] if move else [], receipts=["1"], announced=announced)
    assert {cause for serial, cause in causes if serial == "1"} == ({cause} if cause else set())


def test_announced_units_are_short_until_they_are_received():
    announced = [(serial, "S1") for serial in "1234"]
    # What was scanned by an earlier file is a movement of the ledger, and no scan to be judged any more.
    moves = [*((serial, *ON_ITS_WAY) for serial in "1234"), ("2", "in_stock", "S1", "0001", "101", "RC0", "D1")]
    assert found(moves=moves, receipts=["1"], announced=announced) == {("3", "short"), ("4", "short")}
