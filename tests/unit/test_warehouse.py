"""The warehouse's file: what deleted rows hold is given free, and rows stay as they are."""

import duckdb

from pipelines.warehouse import compact

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
