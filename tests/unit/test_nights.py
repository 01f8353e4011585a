"""Tables that grow by nights: what is shown is the mart, after any number of nights, also where one broke off."""

from datetime import datetime, timedelta
from itertools import pairwise

import duckdb
import pytest

from pipelines.contracts import published_contracts, source_contracts
from pipelines.ingest import ensure_tables
from pipelines.lake import Lake
from pipelines.nights import bring, replaced_table, view_of
from pipelines.publish import merge_nights, publish, tidy_gold
from pipelines.warehouse import sorted_rows

CONTRACTS = {"serial_stays": published_contracts()["serial_stays"]}
CONTRACT = CONTRACTS["serial_stays"]
EPOCH = datetime(2026, 1, 1)


@pytest.fixture
def warehouse(home):
    ensure_tables(Lake(home.lake), source_contracts())
    with duckdb.connect(str(home.warehouse)) as connection:
        connection.execute("create schema marts; create schema intermediate")
        columns = ", ".join(f'"{column.name}" {column.physical_type}' for column in CONTRACT.columns)
        connection.execute(f"create table marts.serial_stays ({columns})")
        connection.execute("create table intermediate.int_units_changed (article_id varchar, serial_number varchar, ingested_at timestamp)")
    _night(home, 0, {f"S{unit:02}": 2 for unit in range(40)})
    return home


def _night(home, number, units):
    """Rows of so many stays for each unit named, in place of what the ledger had of it."""
    moment = EPOCH + timedelta(days=number)
    with duckdb.connect(str(home.warehouse)) as connection:
        for serial, stays in units.items():
            connection.execute("delete from marts.serial_stays where serial_number = ?", [serial])
            connection.execute("insert into intermediate.int_units_changed values ('A', ?, ?)", [serial, moment])
            rows = "select 'A', $1, n, $2 from range($3) t(n)"
            columns = "article_id, serial_number, stay_number, ingested_at"
            connection.execute(f"insert into marts.serial_stays ({columns}) {rows}", [serial, moment, stays])


def _publish(home, number):
    publication = publish(home, Lake(home.lake), CONTRACTS, now=EPOCH + timedelta(days=number))
    assert _shown(home) == _mart(home)
    return publication.changed


def _shown(home):
    with duckdb.connect(str(home.published), read_only=True) as connection:
        return connection.sql("select * from serial_stays order by all").fetchall()


def _mart(home):
    with duckdb.connect(str(home.warehouse), read_only=True) as connection:
        return connection.sql("select * from marts.serial_stays order by all").fetchall()


def _files(home):
    lake = Lake(home.lake)
    return len(lake.files("gold/serial_stays", lake.version("gold/serial_stays")))


def test_each_night_adds_one_file_and_what_is_shown_is_the_mart(warehouse):
    _publish(warehouse, 0)
    # S01 grows, S02 shrinks, S03 is no longer known at all, S99 is new.
    _night(warehouse, 1, {"S01": 3, "S02": 1, "S03": 0, "S99": 2})
    assert _publish(warehouse, 1) == ("serial_stays",)
    _night(warehouse, 2, {"S01": 1, "S99": 4})
    _publish(warehouse, 2)
    assert _files(warehouse) == 3
    assert _publish(warehouse, 3) == ()


def test_nights_are_merged_and_begin_anew(warehouse):
    _publish(warehouse, 0)
    _night(warehouse, 1, {"S01": 3, "S03": 0})
    _publish(warehouse, 1)
    lake = Lake(warehouse.lake)
    assert merge_nights(warehouse, lake, CONTRACTS, now=EPOCH) == ["serial_stays"]
    assert (_files(warehouse), _shown(warehouse)) == (1, _mart(warehouse))
    # A unit that an earlier night replaced, and this one does not, stays.
    _night(warehouse, 2, {"S02": 5})
    _publish(warehouse, 2)
    tidy_gold(warehouse, lake)
    assert (_files(warehouse), _shown(warehouse)) == (2, _mart(warehouse))


@pytest.mark.parametrize("nights", [1, 2])
def test_a_night_that_broke_off_before_its_rows_is_done_again(warehouse, nights, monkeypatch):
    for night in range(nights):
        _publish(warehouse, night)
        _night(warehouse, night + 1, {"S01": night + 3, "S03": 0})
    before = _shown(warehouse)
    really = Lake.append_sorted

    def breaks_off(self, table, *given, **named):
        if table == "gold/serial_stays":
            raise KeyboardInterrupt
        return really(self, table, *given, **named)

    with monkeypatch.context() as patch:
        patch.setattr(Lake, "append_sorted", breaks_off)
        with pytest.raises(KeyboardInterrupt):
            _publish(warehouse, nights)
    assert _shown(warehouse) == before
    _night(warehouse, nights + 1, {"S05": 4})
    _publish(warehouse, nights + 1)


def test_much_that_changed_or_other_models_write_the_table_whole(warehouse):
    _publish(warehouse, 0)
    _night(warehouse, 1, {f"S{unit:02}": 1 for unit in range(30)})
    _publish(warehouse, 1)
    assert _files(warehouse) == 1
    _night(warehouse, 2, {"S01": 3})
    _publish(warehouse, 2)
    lake = Lake(warehouse.lake)
    with duckdb.connect(str(warehouse.warehouse), read_only=True) as connection:
        assert bring(connection, lake, CONTRACT, made_by="other models")
    assert view_of(lake, CONTRACT, lake.version("gold/serial_stays")).replaced == ()
    assert lake.exists(replaced_table("serial_stays"))


def test_more_than_can_be_sorted_at_once_is_sorted_range_by_range(warehouse, monkeypatch):
    monkeypatch.setattr("pipelines.warehouse._SORTED_ROWS", 9)
    with duckdb.connect(str(warehouse.warehouse), read_only=True) as connection:
        rows = sorted_rows(connection, "marts.serial_stays", {"serial_number": None, "n": "stay_number"}, ["serial_number", "stay_number"])
        told = [tuple(row.values()) for row in rows.read_all().to_pylist()]
    assert told == [(f"S{unit:02}", stay) for unit in range(40) for stay in range(2)]


def test_rows_stand_in_ranges_of_units_and_in_each_by_site(warehouse, monkeypatch):
    monkeypatch.setattr("pipelines.warehouse._SORTED_ROWS", 30)
    with duckdb.connect(str(warehouse.warehouse)) as connection:
        connection.execute("update marts.serial_stays set site_id = 'S' || (stay_number + 101)")
        columns = dict.fromkeys(("serial_number", "site_id"))
        rows = sorted_rows(connection, "marts.serial_stays", columns, ["site_id", "serial_number"], in_ranges_of="serial_number")
        told = [(row["site_id"], row["serial_number"]) for row in rows.read_all().to_pylist()]
    bounds = [at for at in range(1, len(told)) if told[at] < told[at - 1]]
    ranges = [told[low:high] for low, high in zip([0, *bounds], [*bounds, len(told)], strict=True)]
    assert len(ranges) == 3
    assert all(max(serial for _, serial in one) < min(serial for _, serial in other) for one, other in pairwise(ranges))
    assert sorted(told) == [(site, f"S{unit:02}") for site in ("S101", "S102") for unit in range(40)]
