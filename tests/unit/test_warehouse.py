"""DuckDB's files: what deleted rows hold is given free; a publication shows what it is told, whatever the file showed before."""

from dataclasses import replace
from datetime import datetime

import duckdb
import polars as pl
import pytest

from pipelines.contracts import published_contracts
from pipelines.views import Macro, View
from pipelines.warehouse import build_published_file, compact, query

ROWS = 1_000_000


def test_what_deleted_rows_hold_is_given_free_and_the_rows_stay(tmp_path):
    path = tmp_path / "warehouse.duckdb"
    with duckdb.connect(str(path), config={"max_vacuum_tasks": 0}) as connection:
        connection.execute(f"create table moves as select hash(number) as unit_hash, number from range({ROWS}) as numbers(number)")
        connection.execute("delete from moves where number % 2 = 0; checkpoint")
    before, after = compact(path)
    assert after < 0.7 * before
    with duckdb.connect(str(path), read_only=True) as connection:
        expected = (ROWS // 2, ROWS // 2, sum(range(1, ROWS, 2)))
        assert connection.execute("select count(*), count(distinct unit_hash), sum(number) from moves").fetchone() == expected
    assert compact(path)[1] <= after


CONTRACTS = published_contracts()
FACTS = {"published_at": datetime(2026, 1, 1), "home": "somewhere"}


def _views(folder, **rows) -> list[View]:
    """A view of each table named, over a file of so many rows."""
    views = []
    for name, count in rows.items():
        path = folder / f"{name}-{count}.parquet"
        pl.DataFrame(schema=CONTRACTS[name].polars_schema).clear(count).write_parquet(path)
        views.append(View(CONTRACTS[name], [path]))
    return views


def _shown(path) -> tuple:
    with duckdb.connect(str(path), read_only=True) as connection:
        views = connection.execute("select view_name, sql, comment from duckdb_views() where not internal order by all").fetchall()
        macros = connection.execute(
            "select function_name, macro_definition, comment from duckdb_functions() where not internal order by all"
        ).fetchall()
        columns = connection.execute("select table_name, column_name, data_type, comment from duckdb_columns() order by all").fetchall()
        return views, macros, columns, connection.execute("from publication").fetchall()


@pytest.mark.parametrize("before", [{"serials": 1, "sites": 1}, {"serials": 1}, {"serials": 2, "sites": 5}])
def test_a_publication_shows_the_same_whatever_the_file_showed_before(tmp_path, before):
    anew, changed = tmp_path / "anew.duckdb", tmp_path / "changed.duckdb"
    macro = Macro("all_sites", (), "sites", "select * from sites", "Sites.")
    build_published_file(changed, _views(tmp_path, **before), {**FACTS, "home": "elsewhere"}, [replace(macro, sql="select 1 as one")])
    # Who has an earlier file open goes on reading it, and what it showed is not taken for what the file on disk shows.
    with duckdb.connect(str(changed), read_only=True) as reader:
        build_published_file(changed, _views(tmp_path, serials=7, sites=7), FACTS, [macro])
        for path in (anew, changed):
            build_published_file(path, _views(tmp_path, serials=2, sites=5), FACTS, [macro])
        assert reader.execute("select count(*) from serials").fetchone()[0] == before["serials"]
    assert _shown(changed) == _shown(anew)
    assert query(changed, "select count(*) from all_sites()").item() == 5


def test_a_file_that_is_published_over_and_over_does_not_grow(tmp_path):
    published, sizes = tmp_path / "serialake.duckdb", []
    for count in range(12):
        build_published_file(published, _views(tmp_path, serials=count % 3, sites=1, articles=count), FACTS)
        sizes.append(published.stat().st_size)
    assert max(sizes) <= 2 * sizes[0]
