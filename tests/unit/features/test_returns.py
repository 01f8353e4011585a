"""Return features: histories count what was recorded before the sale, and nothing later."""

from datetime import datetime, timedelta

import duckdb
import polars as pl
import pytest

from pipelines.features.returns import FEATURES, CaseError, case_rows
from pipelines.params import read_params
from tests.unit.features.panels import sale_cases

PARAMS = read_params().returns


def test_the_order_of_the_cases_changes_nothing():
    cases = sale_cases(cases=500)
    assert case_rows(cases, PARAMS).equals(case_rows(cases.sample(fraction=1, shuffle=True, seed=1), PARAMS))


def test_later_cases_and_later_returns_change_no_feature():
    cases = sale_cases(cases=800)
    moment = cases["sold_at"][400]
    hidden = pl.when(pl.col("returned_at") < moment).then(pl.col("returned_at")).alias("returned_at")
    earlier = case_rows(cases.filter(pl.col("sold_at") < moment).with_columns(hidden), PARAMS)
    everything = case_rows(cases, PARAMS).filter(pl.col("sold_at") < moment)
    assert earlier.select("case_id", *FEATURES).equals(everything.select("case_id", *FEATURES))


def test_histories_agree_with_sql():
    cases = sale_cases(cases=400)
    rows = case_rows(cases, PARAMS).select("case_id", "customer_cases", "customer_returns", "article_cases").sort("case_id")
    connection = duckdb.connect()
    connection.register("cases", cases.to_arrow())
    referee = connection.execute("""
        select case_id,
            (select count(*) from cases b where b.customer_id = a.customer_id and b.sold_at < a.sold_at) as customer_cases,
            (select count(*) from cases b where b.customer_id = a.customer_id and b.returned_at < a.sold_at) as customer_returns,
            (select count(*) from cases b where b.article_id = a.article_id and b.sold_at < a.sold_at) as article_cases
        from cases a order by case_id""").pl()
    assert rows.select(pl.exclude("case_id").cast(pl.Int64)).equals(referee.drop("case_id"))


def test_a_return_counts_within_the_window_alone():
    start = datetime(2026, 1, 5)
    cases = sale_cases(cases=3).with_columns(
        sold_at=pl.lit(start),
        returned_at=pl.Series([start + timedelta(days=30), start + timedelta(days=30, seconds=1), None]),
    )
    assert case_rows(cases, PARAMS).sort("case_id")["is_returned"].to_list() == [True, False, False]


@pytest.mark.parametrize(
    ("cases", "message"),
    [
        (sale_cases(cases=9).drop("sold_at"), "lack sold_at"),
        (pl.concat([sale_cases(cases=9)] * 2), "listed twice"),
        (sale_cases(cases=9).with_columns(returned_at=pl.col("sold_at") - timedelta(days=1)), "before it was sold"),
    ],
)
def test_cases_that_cannot_be_learned_from_say_why(cases, message):
    with pytest.raises(CaseError, match=message):
        case_rows(cases, PARAMS)
