"""Conditions of recalls: what may be asked, and every way round it that somebody may try."""

from __future__ import annotations

import pytest

from pipelines.recall.columns import UNIT_COLUMNS
from pipelines.recall.condition import RecallError, columns_named


@pytest.mark.parametrize(
    ("condition", "columns"),
    [
        ("article_id = '400502'", {"article_id"}),
        ("units.article_id = '400502' and ARTICLE_ID <> ''", {"article_id"}),
        ("serial_number between 'VX6120000063' and 'VX6120000167'", {"serial_number"}),
        ("serial_number in ('A', 'B') or serial_number like 'VX612%' or serial_number ilike 'vx%'", {"serial_number"}),
        ("not (batch_id is null) and supplier_id = '100011'", {"batch_id", "supplier_id"}),
        ("received_date >= date '2026-03-01' and extract(week from received_date) = 14", {"received_date"}),
        ("cast(production_week as integer) between 202610 and 202612", {"production_week"}),
        ("try_cast(substr(serial_number, 6) as hugeint) between 63 and 167", {"serial_number"}),
        ("handling_unit_id = '614141000000000018' and component_name = 'battery'", {"handling_unit_id", "component_name"}),
        ("case when site_id is null then supplier_id end = 'x'", {"site_id", "supplier_id"}),
        ("true -- all of them", set()),
    ],
)
def test_a_condition_names_its_columns(condition, columns):
    assert columns_named(condition) == columns


@pytest.mark.parametrize(
    ("condition", "told"),
    [
        ("", "empty"),
        ("article_id =", "no SQL"),
        ("true; drop view serials", "no SQL: Only SELECT"),
        ("true; select 1", "more than one statement"),
        ("true) or (true", "no SQL"),
        ("true union select 1", "more than a condition"),
        ("true order by 1", "more than a condition"),
        ("true limit 1", "more than a condition"),
        ("true group by all", "more than a condition"),
        ("true qualify true", "more than a condition"),
        ("true using sample 3", "more than a condition"),
        ("(select true)", "a subquery"),
        ("article_id in (select article_id from customers)", "a subquery"),
        ("exists (from read_text('/etc/passwd'))", "a subquery"),
        ("article_id = getvariable('x')", "cannot call getvariable"),
        ("current_setting('home_directory') = ''", "cannot call current_setting"),
        ("read_text('/etc/passwd') is not null", "cannot call read_text"),
        ("count(*) > 1", "cannot call count_star"),
        ("row_number() over () = 1", "a window function"),
        ("columns('.*') = '1'", "cannot hold"),
        ("* = '1'", "no SQL|cannot hold"),
        ("article_id = $1", "a parameter"),
        ("article_id = ?", "a parameter"),
        ("list_filter([1], lambda x : x > 0) = [1]", "cannot"),
        ("received_date = current_date", "current_date"),
        ("received_date = now()", "cannot call now"),
        ("customer_id = '700001'", "no column customer_id"),
        ("article_id.x = '1'", "no column article_id.x"),
        ("serials.article_id = '1'", "no column serials.article_id"),
        ('article_id = "400502"', "no column 400502; text stands in single quotes"),
    ],
)
def test_anything_else_is_refused_before_it_is_run(condition, told):
    with pytest.raises(RecallError, match=f"(?s){told}"):
        columns_named(condition)


def test_an_unknown_column_is_answered_with_those_there_are():
    with pytest.raises(RecallError) as refused:
        columns_named("vendor = '100011'")
    assert all(name in str(refused.value) for name in UNIT_COLUMNS)


def test_a_list_of_fifty_thousand_serial_numbers_is_one_condition():
    serials = ", ".join(f"'S{number:05}'" for number in range(50_000))
    assert columns_named(f"serial_number in ({serials})") == {"serial_number"}


def test_a_deep_condition_is_judged_or_refused_but_never_breaks():
    deep = "(" * 200 + "article_id = 'A'" + ")" * 200
    assert columns_named(deep) == {"article_id"}
    with pytest.raises(RecallError):
        columns_named("not " * 50_000 + "true")
