"""Allocation and rebalancing: no other choice of units is worth more, and each unit is named."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment

from pipelines.replenishment.allocation import allocated
from pipelines.replenishment.marginals import units_more, units_spare
from pipelines.replenishment.rebalancing import MoveCosts, moves, named_units

FREE = MoveCosts(unit=6.0, shipment=0.0, minimum_gain=0.0)


def places(*rows: tuple) -> pl.DataFrame:
    """Article, site, position, spare, need, mean demand; Poisson, 100 a lost unit."""
    names = ["article_id", "site_id", "position_units", "spare_units", "need_units", "mean_units"]
    frame = pl.DataFrame(
        rows, schema=dict(zip(names, [pl.String, pl.String, pl.Int64, pl.Int64, pl.Int64, pl.Float64], strict=True)), orient="row"
    )
    return frame.with_columns(
        variance_units=pl.col("mean_units"), lost_margin=pl.lit(100.0), pack_units=pl.lit(1), centre_id=pl.lit("DC01")
    )


def test_units_lie_idle_in_one_store_and_are_missing_in_another():
    found = moves(places(("p", "S1", 9, 9, 0, 0.5), ("p", "S2", 0, 0, 4, 3.0), ("p", "S3", 3, 3, 0, 3.0)), FREE)
    assert found.select("from_site_id", "to_site_id").rows() == [("S1", "S2")]
    assert found["units"][0] == 4
    assert found["net_gain"][0] == pytest.approx(found["value_gained"][0] - found["value_risked"][0] - 24)


def test_a_shipment_that_does_not_earn_its_way_stays():
    stores = places(("p", "S1", 3, 3, 0, 0.2), ("p", "S2", 0, 0, 1, 0.4))
    assert moves(stores, FREE).height == 1
    assert moves(stores, MoveCosts(unit=6.0, shipment=40.0, minimum_gain=0.0)).is_empty()
    assert moves(stores, MoveCosts(unit=6.0, shipment=0.0, minimum_gain=50.0)).is_empty()


def test_a_shipment_is_paid_for_by_all_its_articles():
    rows = [(article, site, *more) for article in "pq" for site, more in {"S1": (3, 3, 0, 0.2), "S2": (0, 0, 1, 0.4)}.items()]
    costs = MoveCosts(unit=6.0, shipment=40.0, minimum_gain=0.0)
    alone, together = moves(places(*rows[:2]), costs), moves(places(*rows), costs)
    assert alone.is_empty()
    assert together.height == 2
    assert together["transfer_cost"].sum() == pytest.approx(2 * 6 + 40)


store = st.tuples(st.integers(0, 6), st.floats(0.1, 6.0), st.integers(0, 5))


@settings(max_examples=60, deadline=None)
@given(st.lists(store, min_size=2, max_size=6))
def test_no_assignment_of_units_gains_more(stores):
    frame = places(*(("p", f"S{n}", position, position, need, mean) for n, (position, mean, need) in enumerate(stores)))
    found = moves(frame, FREE)
    wanted, spare = units_more(frame, pl.col("need_units")), units_spare(frame, pl.col("spare_units"))
    gain = np.maximum(wanted["unit_value"].to_numpy()[:, None] - spare["unit_value"].to_numpy()[None] - 6.0, 0)
    best = gain[linear_sum_assignment(gain, maximize=True)].sum() if gain.size else 0.0
    assert found["net_gain"].sum() == pytest.approx(best)
    assert not set(found["from_site_id"]) & set(found["to_site_id"])
    assert moves(frame.reverse(), FREE).equals(found)


def test_the_oldest_units_go_first_and_each_goes_once():
    proposed = moves(places(("p", "S1", 9, 9, 0, 0.1), ("p", "S2", 0, 0, 2, 3.0), ("p", "S3", 0, 0, 1, 2.0)), FREE)
    units = pl.DataFrame(
        {
            "article_id": ["p"] * 4,
            "site_id": ["S1"] * 4,
            "serial_number": ["4", "3", "2", "1"],
            "since_date": [date(2026, 3, d) for d in (4, 1, 1, 9)],
        }
    )
    named = named_units(proposed, units)
    assert sorted(named["serial_number"]) == ["2", "3", "4"]
    assert named.filter(pl.col("to_site_id") == "S2")["serial_number"].to_list() == ["2", "3"]
    assert named_units(proposed, units.head(1))["serial_number"].to_list() == ["4"]
    assert named_units(proposed, units.clear()).is_empty()


def test_a_short_centre_gives_each_unit_where_it_is_worth_most():
    needs = places(("p", "S1", 0, 0, 5, 4.0), ("p", "S2", 3, 0, 5, 4.0), ("q", "S1", 0, 0, 2, 1.0))
    available = pl.DataFrame({"article_id": ["p", "q"], "centre_id": ["DC01", "DC01"], "available_units": [5, 9]})
    found = allocated(needs, available)
    assert found["allocated_units"].to_list() == [4, 1, 2]
    assert allocated(needs, available.with_columns(available_units=pl.lit(99)))["allocated_units"].to_list() == [5, 5, 2]
    assert allocated(needs, available.clear())["allocated_units"].to_list() == [0, 0, 0]


def test_allocation_evens_out_the_chance_of_running_out():
    needs = places(("p", "S1", 0, 0, 9, 4.0), ("p", "S2", 0, 0, 9, 4.0))
    found = allocated(needs, pl.DataFrame({"article_id": ["p"], "centre_id": ["DC01"], "available_units": [7]}))
    assert sorted(found["allocated_units"]) == [3, 4]


def test_a_short_centre_gives_whole_packs_and_what_is_left_to_who_takes_fewer():
    needs = places(("p", "S1", 0, 0, 8, 4.0), ("p", "S2", 0, 0, 8, 4.0), ("p", "S3", 0, 0, 3, 0.5))
    packs = needs.with_columns(pack_units=pl.Series([4, 4, 1]))
    available = pl.DataFrame({"article_id": ["p"], "centre_id": ["DC01"], "available_units": [10]})
    assert allocated(packs, available)["allocated_units"].to_list() == [4, 4, 2]
    assert allocated(packs.filter(pl.col("site_id") != "S3"), available)["allocated_units"].to_list() == [4, 4]
    assert allocated(packs, available.with_columns(available_units=3))["allocated_units"].to_list() == [0, 0, 3]


wish = st.tuples(st.integers(0, 4), st.floats(0.1, 6.0), st.integers(0, 3), st.sampled_from([1, 2, 3, 6]))


@settings(max_examples=60, deadline=None)
@given(st.lists(wish, min_size=1, max_size=6), st.integers(0, 40))
def test_shares_are_whole_packs_within_what_there_is_and_wanted(wishes, there):
    needs = places(*(("p", f"S{n}", position, 0, packs * pack, mean) for n, (position, mean, packs, pack) in enumerate(wishes)))
    needs = needs.with_columns(pack_units=pl.Series([pack for *_, pack in wishes]))
    found = allocated(needs, pl.DataFrame({"article_id": ["p"], "centre_id": ["DC01"], "available_units": [there]}))
    got = found["allocated_units"]
    assert got.sum() <= there
    assert found.select(
        ((pl.col("allocated_units") <= pl.col("need_units")) & (pl.col("allocated_units") % pl.col("pack_units") == 0)).all()
    ).item()
    # No pack that is wanted would have fitted into what stays in the centre.
    wanting = found.filter(pl.col("allocated_units") < pl.col("need_units"))["pack_units"]
    assert wanting.is_empty() or wanting.min() > there - got.sum()
