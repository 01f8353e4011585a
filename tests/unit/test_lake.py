"""Delta tables: each load once, whole replacements, exactly the files of a version."""

from datetime import datetime

import polars as pl
import pytest
from deltalake import DeltaTable

from pipelines.lake import LINEAGE_SCHEMA, Lake

SCHEMA = {"value": pl.Int64(), **LINEAGE_SCHEMA}


def _rows(load_id, *values):
    return pl.DataFrame(
        [{"value": v, "_load_id": load_id, "_file": "f", "_line": 1, "_ingested_at": datetime(2026, 1, 1)} for v in values], schema=SCHEMA
    )


@pytest.fixture
def lake(tmp_path):
    lake = Lake(tmp_path)
    lake.ensure("bronze/t", SCHEMA)
    return lake


def test_an_empty_table_has_its_columns(lake):
    assert lake.read("bronze/t").schema == pl.Schema(SCHEMA)
    assert lake.row_count("bronze/t") == 0


def test_a_load_repeated_is_taken_once(lake):
    assert lake.append_once("bronze/t", _rows("a", 1, 2), ["a"]) == 2
    assert lake.append_once("bronze/t", _rows("a", 1, 2), ["a"]) == 0
    assert sorted(lake.read("bronze/t")["value"]) == [1, 2]


def test_of_a_batch_only_the_missing_loads_are_taken(lake):
    lake.append_once("bronze/t", _rows("a", 1), ["a"])
    assert lake.append_once("bronze/t", pl.concat([_rows("a", 1), _rows("b", 2)]), ["a", "b"]) == 1
    assert sorted(lake.read("bronze/t")["value"]) == [1, 2]


def test_a_load_is_recognised_however_many_commits_came_after_it(lake):
    """Delta writes a checkpoint at every hundredth commit; the first load then stands there, the last one in the log."""
    for number in range(103):
        lake.append_once("bronze/t", _rows(f"load {number}", number), [f"load {number}"])
    assert list((lake.path("bronze/t") / "_delta_log").glob("*.checkpoint.parquet"))
    for number in (0, 50, 98, 99, 100, 102):
        assert lake.append_once("bronze/t", _rows(f"load {number}", number), [f"load {number}"]) == 0, number
    assert lake.append_once("bronze/t", _rows("load 103", 103), ["load 103"]) == 1
    assert lake.row_count("bronze/t") == 104


def test_ensure_keeps_what_is_there(lake):
    lake.append_once("bronze/t", _rows("a", 1), ["a"])
    lake.ensure("bronze/t", SCHEMA)
    assert lake.row_count("bronze/t") == 1


def test_a_table_that_lacks_columns_gets_them_and_takes_rows_with_them(lake):
    lake.append_once("bronze/t", _rows("a", 1), ["a"])
    wider = {"value": pl.Int64(), "place": pl.Int64(), "price": pl.Decimal(13, 3), "at": pl.Datetime("us"), **LINEAGE_SCHEMA}
    lake.ensure("bronze/t", wider)
    later = _rows("b", 2).with_columns(place=pl.lit(7), price=pl.lit(1).cast(pl.Decimal(13, 3)), at=pl.lit(datetime(2026, 1, 1)))
    assert lake.append_once("bronze/t", later.select(*wider), ["b"]) == 1
    rows = lake.read("bronze/t")
    assert dict(rows.select(*wider).schema) == wider
    assert rows.select("value", "place").sort("value").rows() == [(1, None), (2, 7)]


def test_columns_are_added_once(lake):
    wider = {**SCHEMA, "place": pl.Int64()}
    lake.ensure("bronze/t", wider)
    version = lake.version("bronze/t")
    lake.ensure("bronze/t", wider)
    lake.ensure("bronze/t", SCHEMA)
    assert lake.version("bronze/t") == version


def test_a_version_keeps_naming_its_own_files_after_a_replacement(lake):
    first = pl.DataFrame({"value": [1]}).to_arrow()
    second = pl.DataFrame({"value": [2, 3]}).to_arrow()
    version = lake.replace("gold/t", first.to_reader(), {"rows": 1})
    files = lake.files("gold/t", version)
    newer = lake.replace("gold/t", second.to_reader(), {"rows": 2})
    assert lake.files("gold/t", version) == files
    assert set(files).isdisjoint(lake.files("gold/t", newer))
    assert pl.read_parquet(files)["value"].to_list() == [1]
    assert lake.fingerprint("gold/t") == {"rows": 2}


def test_a_table_that_is_not_there_has_no_fingerprint(lake):
    assert lake.fingerprint("gold/none") is None


def test_housekeeping_changes_neither_the_fingerprint_nor_the_version_of_the_rows(lake, monkeypatch):
    really = DeltaTable.vacuum
    monkeypatch.setattr(DeltaTable, "vacuum", lambda *given, **named: really(*given, **named, enforce_retention_duration=False))
    monkeypatch.setattr("pipelines.lake._KEPT_HOURS", 0)
    for value in (1, 2):
        lake.replace("gold/t", pl.DataFrame({"value": [value]}).to_arrow().to_reader(), {"rows": value})
    lake.append_once("bronze/t", _rows("a", 1), ["a"])
    lake.append_once("bronze/t", _rows("b", 1), ["b"])
    before = {table: (lake.rows_version(table), lake.fingerprint(table)) for table in ("gold/t", "bronze/t")}
    for _ in range(5):
        for table in ("gold/t", "bronze/t"):
            lake.compact(table)
            lake.vacuum(table)
    assert all(lake.version(table) > version for table, (version, _) in before.items())
    assert {table: (lake.rows_version(table), lake.fingerprint(table)) for table in before} == before
    assert before["gold/t"] == (1, {"rows": 2})
    assert before["bronze/t"] == (2, None)


def test_a_load_after_that_moment_is_recognised_and_one_that_is_new_is_taken(lake):
    """As when a run broke off after this table's commit, and two loads of an earlier night are there."""
    lake.append_once("bronze/t", _rows("early", 1), ["early"])
    broken_off = _rows("a", 2).with_columns(_ingested_at=datetime(2026, 1, 2, 0, 0, 0, 1))
    since = datetime(2026, 1, 2)
    assert lake.append_once("bronze/t", broken_off, ["a"], since=since) == 1
    again = pl.concat([broken_off, _rows("b", 3)])
    assert lake.append_once("bronze/t", again, ["a", "b"], since=since) == 1
    assert sorted(lake.read("bronze/t")["value"]) == [1, 2, 3]
