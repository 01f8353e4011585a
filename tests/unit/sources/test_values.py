"""Values: texts, and the types of Parquet files, become the types of a contract."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import polars as pl
import pytest

from pipelines.contracts import Column
from pipelines.sources.conversion import judged
from pipelines.sources.values import typed


def read(values: list | pl.Series, physical_type: str, **more) -> list:
    """The values in that type; None where one cannot be read."""
    series = values if isinstance(values, pl.Series) else pl.Series("c", values, dtype=pl.String)
    return typed(series, Column("c", physical_type, "", **more)).to_list()


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("20260228", date(2026, 2, 28)),
        ("2026-02-28", date(2026, 2, 28)),
        ("99991231", date(9999, 12, 31)),
        ("2026-02-28 00:00:00", date(2026, 2, 28)),
        ("2026-02-28T13:14:15.000", date(2026, 2, 28)),
        ("20260229", None),
        ("2026-13-01", None),
        ("2026-2-8", None),
        ("28.02.2026", None),
        ("202602281", None),
        ("2026-02-28T23:00:00+02:00", None),
    ],
)
def test_days(text, day):
    assert read([text], "DATE") == [day]


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("20260228", datetime(2026, 2, 28)),
        ("2026-02-28", datetime(2026, 2, 28)),
        ("20260228131415", datetime(2026, 2, 28, 13, 14, 15)),
        ("20260228240000", datetime(2026, 3, 1)),
        ("2026-02-28T13:14", datetime(2026, 2, 28, 13, 14)),
        ("2026-02-28 13:14:15,25", datetime(2026, 2, 28, 13, 14, 15, 250000)),
        ("2026-02-28T13:14:15.123456789Z", datetime(2026, 2, 28, 13, 14, 15, 123456)),
        ("2026-02-28T13:14:15+01", datetime(2026, 2, 28, 12, 14, 15)),
        ("2026-02-28T23:30:00-00:45", datetime(2026, 3, 1, 0, 15)),
        ("2026-02-30T13:14:15Z", None),
        ("2026-02-28T24:00:01Z", None),
        ("2026-02-28T13:60:00Z", None),
        ("13:14:15", None),
        ("2026-02-28T13:14:15 CET", None),
    ],
)
def test_moments(text, moment):
    assert read([text, "2026-01-01T00:00:00Z"], "TIMESTAMP") == [moment, datetime(2026, 1, 1)]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("5", Decimal("5.000")),
        ("5.000-", Decimal("-5.000")),
        ("-.5", Decimal("-0.500")),
        ("0005.10000", Decimal("5.100")),
        ("999999999999.999", Decimal("999999999999.999")),
        ("1000000000000", None),
        ("1.0001", None),
        ("-5-", None),
        ("-", None),
        (".", None),
        ("1e3", None),
        ("1,5", None),
        ("1 000", None),
        ("NaN", None),
    ],
)
def test_decimals(text, number):
    assert read([text], "DECIMAL(15,3)") == [number]


@pytest.mark.parametrize(
    ("text", "number"),
    [("00007", 7), ("7-", -7), ("+7", 7), ("7.000", 7), ("7.5", None), ("9223372036854775808", None), ("", None), ("0x7", None)],
)
def test_integers(text, number):
    assert read([text], "BIGINT") == [number]


@pytest.mark.parametrize(
    ("text", "number"), [("1.5", 1.5), ("1.5e-3", 0.0015), ("2.5-", -2.5), ("1e999", None), ("inf", None), ("NaN", None)]
)
def test_floats(text, number):
    assert read([text], "DOUBLE") == [number]


@pytest.mark.parametrize(
    ("values", "physical_type", "expected"),
    [
        (pl.Series([date(2026, 2, 28)]), "TIMESTAMP", [datetime(2026, 2, 28)]),
        (pl.Series([datetime(2026, 2, 28, 13)]), "DATE", [date(2026, 2, 28)]),
        (pl.Series([datetime(2026, 2, 28, 13, tzinfo=UTC)]).dt.convert_time_zone("Asia/Tokyo"), "TIMESTAMP", [datetime(2026, 2, 28, 13)]),
        (pl.Series([datetime(2026, 2, 28, 13)], dtype=pl.Datetime("ns")), "TIMESTAMP", [datetime(2026, 2, 28, 13)]),
        (pl.Series([20260228]), "DATE", [date(2026, 2, 28)]),
        (pl.Series([13085.0, 0.5, None]), "VARCHAR", ["13085", "0.5", None]),
        (pl.Series([13085]), "VARCHAR", ["13085"]),
        (pl.Series([0.1 + 0.2, 1e15]), "DECIMAL(15,3)", [Decimal("0.300"), None]),
        (pl.Series([2.0, 2.5]), "BIGINT", [2, None]),
        (pl.Series([Decimal("1.25")]), "DOUBLE", [1.25]),
        (pl.Series([7]), "DECIMAL(15,3)", [Decimal("7.000")]),
        (pl.Series([True]), "VARCHAR", ["true"]),
        (pl.Series(["a"], dtype=pl.Categorical), "VARCHAR", ["a"]),
    ],
)
def test_types_of_parquet_files(values, physical_type, expected):
    assert read(values, physical_type) == expected


def test_texts_are_never_cut():
    assert read(["12345", "1234"], "VARCHAR", max_length=4) == [None, "1234"]


def test_zero_dates_and_blanks_are_null_and_no_fault():
    columns = [Column("day", "DATE", ""), Column("at", "TIMESTAMP", ""), Column("number", "BIGINT", ""), Column("text", "VARCHAR", "")]
    frame = pl.DataFrame({"day": ["00000000", " "], "at": ["00000000000000", ""], "number": ["", None], "text": ["  ", ""]})
    result = judged(frame, columns)
    assert result.select("day", "at", "number", "text", "_code").rows() == [(None,) * 5] * 2


def test_a_required_zero_date_is_missing():
    result = judged(pl.DataFrame({"day": ["00000000", "20260101"]}), [Column("day", "DATE", "", required=True)])
    assert result.select("_code", "_field", "_value").rows() == [("required_missing", "day", None), (None, None, None)]


def test_a_column_that_the_source_lacks_is_null_or_missing():
    columns = [Column("there", "VARCHAR", ""), Column("absent", "BIGINT", ""), Column("needed", "BOOLEAN", "", required=True)]
    result = judged(pl.DataFrame({"there": ["x"]}), columns)
    assert result.rows() == [("x", None, None, "required_missing", "needed", None)]


def test_the_first_column_at_fault_names_the_verdict():
    columns = [Column("a", "BIGINT", ""), Column("b", "DATE", ""), Column("serialno", "VARCHAR", "", max_length=18)]
    frame = pl.DataFrame({"a": ["1", "x", "1"], "b": ["y", "y", "20260101"], "serialno": ["S" * 19] * 3})
    assert judged(frame, columns).select("_code", "_field", "_value").rows() == [
        ("bad_date", "b", "y"),
        ("bad_number", "a", "x"),
        ("serial_too_long", "serialno", "S" * 19),
    ]
