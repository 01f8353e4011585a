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


def test_ensure_keeps_what_is_there(lake):
    lake.append_once("bronze/t", _rows("a", 1), ["a"])
    lake.ensure("bronze/t", SCHEMA)
    assert lake.row_count("bronze/t") == 1


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
