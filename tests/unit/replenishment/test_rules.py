"""Rules of planners: the most special that says something speaks, and levels, orders and costs keep to it."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl
import pytest

from pipelines.contracts import published_contracts
from pipelines.params import read_params
from pipelines.replenishment.publishing import replenish
from pipelines.replenishment.rules import RULED, with_rules
from pipelines.warehouse import query
from tests.unit.replenishment.support import CONTRACTS, DAY, NOW, published, unit

SCHEMA = published_contracts()["stock_rules"].polars_schema
SERIES = pl.DataFrame({"article_id": ["A", "A", "B", "B"], "site_id": ["S1", "S2", "S1", "S2"], "site_kind": "store"})
EVER, UNTIL_FURTHER_NOTICE = date(1900, 1, 1), date(9999, 12, 31)


def rules(*rows: dict) -> pl.DataFrame:
    defaults = dict.fromkeys(SCHEMA) | {"article_id": "*", "site_id": "*", "valid_from_date": EVER, "valid_to_date": UNTIL_FURTHER_NOTICE}
    return pl.DataFrame([defaults | row for row in rows], schema=SCHEMA)


def told(found: pl.DataFrame, column: str) -> list:
    return found.sort("article_id", "site_id")[column].to_list()


def test_the_most_special_rule_speaks_column_by_column():
    given = rules(
        {"display_units": 1, "pack_units": 2, "margin_share": 0.1},
        {"site_id": "S1", "display_units": 2},
        {"article_id": "A", "display_units": 3, "pack_units": 6},
        {"article_id": "A", "site_id": "S1", "display_units": 0},
    )
    found = with_rules(SERIES, given, pl.lit(DAY))
    assert told(found, "display_units") == [0, 3, 2, 1]
    assert told(found, "pack_units") == [6, 6, 2, 2]
    assert told(found, "margin_share") == [0.1] * 4
    assert told(found, "capacity_units") == [None] * 4
    assert found.select(SERIES.columns).equals(SERIES)


def test_a_rule_holds_from_its_first_to_its_last_day_and_leaves_the_rest_as_it_was():
    given = rules(
        {"article_id": "A", "display_units": 3, "pack_units": 10},
        {"article_id": "A", "display_units": 5, "valid_from_date": DAY, "valid_to_date": DAY + timedelta(days=6)},
    )
    found = {days: with_rules(SERIES, given, pl.lit(DAY + timedelta(days=days))) for days in (-1, 0, 6, 7)}
    assert {days: told(each, "display_units")[0] for days, each in found.items()} == {-1: 3, 0: 5, 6: 5, 7: 3}
    assert {told(each, "pack_units")[0] for each in found.values()} == {10}


def test_shelves_are_those_of_stores_unless_a_rule_names_the_site():
    centre = SERIES.with_columns(site_kind=pl.when(pl.col("site_id") == "S2").then(pl.lit("distribution_centre")).otherwise("site_kind"))
    given = rules({"article_id": "A", "display_units": 3, "capacity_units": 40, "pack_units": 10})
    found = with_rules(centre, given, pl.lit(DAY)).filter(pl.col("article_id") == "A")
    assert found.sort("site_id").select("display_units", "capacity_units", "pack_units").rows() == [(3, 40, 10), (None, None, 10)]
    named = with_rules(centre, rules({"site_id": "S2", "capacity_units": 500}), pl.lit(DAY))
    assert told(named, "capacity_units") == [None, 500, None, 500]


def test_without_rules_every_column_is_empty():
    found = with_rules(SERIES, rules(), pl.lit(DAY))
    assert found.select(pl.col(name).null_count() for name in RULED).row(0) == (4,) * len(RULED)
    assert {name: found.schema[name] for name in RULED} == {name: SCHEMA[name] for name in RULED}


@pytest.mark.parametrize(
    ("rule", "check"),
    [
        ({"article_id": "4711", "pack_units": 10}, lambda row, _: row["order_units"] % 10 == 0 and row["order_units"] > 0),
        ({"site_id": "S2", "capacity_units": 3}, lambda row, _: row["order_up_to_units"] == 3 and row["order_units"] == 3),
        ({"display_units": 90}, lambda row, _: row["order_up_to_units"] == 90),
        ({"display_units": 9, "capacity_units": 4}, lambda row, _: row["order_up_to_units"] == row["order_units"] == 9),
        ({"pack_units": 10, "capacity_units": 5}, lambda row, _: row["order_units"] == 10),
        ({"pack_units": 4, "capacity_units": 6}, lambda row, _: row["order_units"] == 4),
        ({"margin_share": 0.9}, lambda row, before: row["working_ratio"] > before["working_ratio"]),
        ({"holding_share_per_year": 0.01}, lambda row, before: row["working_ratio"] > before["working_ratio"]),
        ({"valid_from_date": DAY + timedelta(days=30), "display_units": 90}, lambda row, before: row == before),
    ],
)
def test_targets_keep_to_what_the_rules_say(home, rule, check):
    lake = published(home)

    def target() -> dict:
        replenish(home, lake, CONTRACTS, params=read_params(), now=NOW)
        return query(home.published, "select * from stock_targets where site_id = 'S2'").row(0, named=True)

    before = target()
    published(home, rules=rules(rule).to_dicts())
    row = target()
    assert check(row, before), (rule, before, row)
    centre = query(home.published, "select display_units, capacity_units from stock_targets where site_id = 'DC01'").row(0)
    assert centre == (0, 0), "a centre has no shelves"


def test_a_store_keeps_its_display_also_while_proposals_stand(home):
    lots = [unit(f"35600{n:02d}", since=date(2026, 1, 1)) for n in range(40)]
    lake = published(home, *lots, rules=rules({"site_id": "S1", "display_units": 36}).to_dicts())
    proposed = []
    for night in (NOW, NOW + timedelta(days=1)):
        replenish(home, lake, CONTRACTS, params=read_params(), now=night)
        proposed.append(query(home.published, "select count(*) from rebalance_proposals where from_site_id = 'S1'").item())
    assert proposed == [4, 4]
