"""Conservation on the simulated retailer, faults and all: receipts less issues are the stock, by place, on every day."""

import polars as pl
import pytest

from tests.properties.conservation import DAILY, HELD, MOVEMENTS, OUTWEIGHED, PLACE, accounts, stock_by_day, stock_now, unaccounted


@pytest.fixture(scope="module")
def accounted(built_world):
    return accounts(built_world.query(MOVEMENTS), built_world.query(OUTWEIGHED))


def test_receipts_less_issues_are_the_stock_of_every_place(built_world, accounted):
    stock = built_world.query(
        "select article_id, site_id, storage_location_id, coalesce(stock_type_code, '') as stock_type_code,"
        " coalesce(special_stock_code, '') as special_stock_code, sum(units)::bigint as units"
        " from stock_current where site_id is not null group by all"
    )
    booked = stock_now(accounted)
    key = ["article_id", *PLACE]
    assert stock.height > 50
    assert booked.sort(key).equals(stock.select(booked.columns).sort(key))


def test_receipts_less_issues_are_the_stock_of_every_day(built_world, accounted):
    daily = built_world.query("select * exclude (trust_level, ingested_at) from stock_daily where units <> 0")
    last_day = built_world.query("select max(stock_date) from stock_daily").item()
    booked = stock_by_day(accounted, last_day)
    key = [*DAILY, "stock_date"]
    assert booked["stock_date"].n_unique() > 90
    assert booked.sort(key).equals(daily.select(*key, pl.col("units").cast(pl.Int64)).sort(key))


def test_where_a_document_takes_a_unit_from_a_place_it_did_not_lie_at_the_ledger_says_so(accounted):
    assert unaccounted(accounted).rows(named=True) == []
    # Not for want of such movements.
    elsewhere = (pl.col("from_site_id") != pl.col("site_id_before")) & pl.col("is_held_before")
    assert accounted.filter(elsewhere, pl.col("conflict_code").is_not_null()).height > 0


def test_every_unit_held_counts_once(built_world):
    held = built_world.query(f"select count(*) from serials where unit_state in {tuple(HELD)}").item()
    assert built_world.query("select sum(units)::bigint from stock_current").item() == held
    newest = "select sum(units)::bigint from stock_daily where stock_date = (select max(stock_date) from stock_daily)"
    assert built_world.query(newest).item() == held
