"""Look-ups: a unit is found in the files that can hold it, whatever the log tells of them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import duckdb
import polars as pl
import pytest

from pipelines.contracts import published_contracts
from pipelines.lake import FileRange, Lake
from pipelines.look_ups import look_up_macros
from pipelines.views import View
from pipelines.warehouse import build_published_file, query

SERIALS = published_contracts()["serials"]
NAMES = ["10", "2", "356", "9", "O'NEIL", "Z"]


@pytest.fixture
def published(home) -> Path:
    """Two files of the table serials, one of units up to 356, the other of the rest."""
    lake, schema = Lake(home.lake), SERIALS.polars_schema
    for serials in (NAMES[:3], NAMES[3:]):
        frame = pl.DataFrame({"serial_number": serials, "article_id": "A"}).select(
            pl.col(name).cast(kind) if name in ("serial_number", "article_id") else pl.lit(None, kind).alias(name)
            for name, kind in schema.items()
        )
        lake.append_sorted("gold/serials", frame, {}, sorted_by=["serial_number", "article_id"])
    version = lake.version("gold/serials")
    view = View(SERIALS, lake.files("gold/serials", version))
    facts: Mapping[str, object] = {"published_at": datetime(2026, 1, 1), "as_of_date": None}
    build_published_file(home.published, [view], facts, look_up_macros(lake, [view], {"serials": version}))
    return home.published


def test_the_log_tells_from_which_to_which_serial_number_each_file_reaches(home, published):
    lake = Lake(home.lake)
    ranges = {(each.least, each.most) for each in lake.file_ranges("gold/serials", lake.version("gold/serials"), "serial_number")}
    assert ranges == {("10", "356"), ("9", "Z")}
    untold = lake.file_ranges("gold/serials", lake.version("gold/serials"), "site_id")
    assert {(each.least, each.most) for each in untold} == {(None, None)}


@pytest.mark.parametrize("serial", [*NAMES, "3", "ZZ"])
def test_a_unit_is_found_as_by_the_view(published, serial):
    found = query(published, "select serial_number from unit_card(?)", [serial])["serial_number"].to_list()
    assert found == ([serial] if serial in NAMES else [])


def test_a_serial_number_without_quotes_is_found_too(published):
    with duckdb.connect(str(published), read_only=True) as connection:
        assert connection.execute("select serial_number from unit_card(356)").fetchall() == [("356",)]
        assert connection.execute("select serial_number from unit_card(10)").fetchall() == [("10",)]


def test_only_the_files_that_can_hold_a_unit_are_read(published):
    with duckdb.connect(str(published), read_only=True) as connection:
        read = {
            serial: connection.execute(f"explain select * from unit_card('{serial}')").fetchall()[0][1].count("Function:")
            for serial in ("2", "9", "Z", "ZZ")
        }
    assert read == {"2": 1, "9": 1, "Z": 1, "ZZ": 0}


def test_a_range_that_is_not_told_leaves_its_file_in(home, published, monkeypatch):
    files = Lake(home.lake).file_ranges("gold/serials", Lake(home.lake).version("gold/serials"), "serial_number")
    blind = [FileRange(each.path, None, None) if each.least == "10" else FileRange(each.path, "\x00", "Z") for each in files]
    monkeypatch.setattr(Lake, "file_ranges", lambda *_: blind)
    lake = Lake(home.lake)
    view = View(SERIALS, [each.path for each in files])
    macros = look_up_macros(lake, [view], {"serials": 1})
    build_published_file(home.published, [view], {"published_at": datetime(2026, 1, 1)}, macros)
    assert query(home.published, "select serial_number from unit_card('2')").height == 1
    assert query(home.published, "select serial_number from unit_card('Z')").height == 1
