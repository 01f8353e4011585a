"""Properties of the ledger's real SQL, over drawn histories: order, splits, copies, increments, knowledge, moments and places."""

from __future__ import annotations

from datetime import datetime, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.flow.support import CLOCKS, LINEAGE
from tests.properties.conftest import FACTS
from tests.properties.histories import FILES, FIRST_DAY, Unit, files_of, nights_of, units

pytestmark = pytest.mark.slow
settings.load_profile("ledger")

NIGHTS = st.lists(st.integers(0, 2), min_size=FILES, max_size=FILES)
HELD = ("in_stock", "in_transit", "with_vendor")
UNIT = ["article_id", "serial_number"]
PLACE = ["unit_state", "site_id", "storage_location_id", "stock_type_code", "special_stock_code", "vendor_id", "customer_id"]
KNOWN = "article_id, serial_number, unit_state, site_id, storage_location_id, stock_type_code, special_stock_code, vendor_id, customer_id,\
 last_moved_at, last_movement_type, last_document_id, movement_count, status_conflict"


def differing(left: dict[str, pl.DataFrame], right: dict[str, pl.DataFrame]) -> dict[str, list[dict]]:
    """Rows that only one of two contents has, by table."""
    found = {}
    for name, one in left.items():
        if not one.equals(right[name]):
            both = pl.concat([one.with_columns(side=pl.lit("left")), right[name].with_columns(side=pl.lit("right"))])
            found[name] = both.filter(~both.drop("side").is_duplicated()).rows(named=True)
    return found


def built(ledger, nights) -> None:
    """Build the nights one after another, the first whole and the others as increments."""
    ledger.clear()
    for number, night in enumerate(nights):
        ledger.deliver(night)
        ledger.build(whole=number == 0)


@given(told=units(at_most=8), night_of_file=NIGHTS, again=st.integers(0, FILES - 1))
def test_order_and_split_of_files_and_copies_play_no_part_and_increments_equal_a_whole_build(ledger, told, night_of_file, again):
    files = files_of(told)
    built(ledger, nights_of(files, night_of_file))
    night_by_night = ledger.content(FACTS, without=CLOCKS)
    ledger.build(whole=True)
    assert differing(night_by_night, ledger.content(FACTS, without=CLOCKS)) == {}
    facts = ledger.content(FACTS, without=LINEAGE)
    # A file comes again, and the night that brings it changes nothing.
    ledger.deliver({f"copy of {name}": file for name, file in files.items() if name == f"file {again}"})
    ledger.build(whole=False)
    # What is told about deliveries told is told again.
    evidence = ("serial_records",)
    but_evidence = {name: rows for name, rows in facts.items() if name not in evidence}
    assert differing(but_evidence, ledger.content(list(but_evidence), without=LINEAGE)) == {}
    built(ledger, [files])
    assert differing(facts, ledger.content(FACTS, without=LINEAGE)) == {}


@given(told=units(at_most=8), night_of_file=NIGHTS)
def test_what_was_known_at_each_night_equals_a_build_over_the_files_of_then(ledger, told, night_of_file):
    ledger.clear()
    knew = {}
    for number, night in enumerate(nights_of(files_of(told), night_of_file)):
        moment = ledger.deliver(night)
        ledger.build(whole=number == 0)
        knew[moment] = ledger.query(f"select {KNOWN} from serials order by all")
    for moment, states in knew.items():
        assert differing({"known": ledger.query(f"select {KNOWN} from known_at(?) order by all", moment)}, {"known": states}) == {}


@given(told=units(at_most=12), day=st.integers(0, 9), hour=st.sampled_from([0, 8, 12, 23]))
def test_a_unit_is_in_one_place_at_any_moment_and_there_by_its_movements_up_to_then(ledger, told, day, hour):
    built(ledger, [files_of(told)])
    stays = ledger.query("select * from serial_stays").sort(*UNIT, "stay_number")
    following = pl.col("valid_from_at").shift(-1).over(UNIT)
    broken = stays.filter(following.is_not_null() & (pl.col("valid_to_at") != following) | (pl.col("is_current") != following.is_null()))
    assert broken.rows(named=True) == []
    moment = datetime(FIRST_DAY.year, FIRST_DAY.month, FIRST_DAY.day) + timedelta(days=day, hours=hour)
    then = ledger.query("select * from as_of(?)", moment)
    assert not then.select(UNIT).is_duplicated().any()
    folded = movements_followed(ledger).filter(pl.col("moved_at") <= moment).group_by(UNIT).agg(pl.col(PLACE).last())
    assert differing({"then": then.select(*UNIT, *PLACE).sort(UNIT)}, {"then": folded.sort(UNIT)}) == {}
    # As many units are held at the end of a day as stock_daily says, so that none counts at two places.
    evening = moment.replace(hour=23, minute=59, second=59)
    held = ledger.query(f"select count(*) from as_of(?) where unit_state in {HELD} and site_id is not null", evening).item()
    counted = ledger.query("select coalesce(sum(units), 0)::bigint from stock_daily where stock_date = ?", evening.date())
    last_day = ledger.query("select max(movement_date) from serial_movements").item()
    assert counted.item() == (held if evening.date() <= last_day else 0)


def movements_followed(ledger) -> pl.DataFrame:
    """Movements that the state follows, in their order, with the place that each leaves the unit in."""
    outweighed = ledger.query("select * from warehouse.intermediate.int_movements_outweighed")
    moves = ledger.query("select * from serial_movements").rename(
        {"to_site_id": "site_id", "to_storage_location_id": "storage_location_id"}
    )
    return moves.join(outweighed, on=[*UNIT, "sequence_number"], how="anti").sort(*UNIT, "sequence_number")


@given(told=units(at_most=8), day=st.integers(0, 9))
def test_a_moment_is_told_alike_by_all_records_and_by_those_of_what_had_happened(ledger, told: list[Unit], day):
    moment = datetime(FIRST_DAY.year, FIRST_DAY.month, FIRST_DAY.day, 23, 59, 59) + timedelta(days=day)
    files = files_of(told)
    built(ledger, [files])
    then = ledger.query("select * from as_of(?)", moment).select(*UNIT, *PLACE)
    # Which of two contradicting claims is followed may show later, by a chain of documents.
    weighed = ledger.query(
        "select distinct article_id, serial_number from serial_conflicts where cause_code in ('in_two_places', 'sold_twice')"
    )
    had_happened = set(ledger.query("select document_id from serial_movements where moved_at <= ?", moment)["document_id"])
    named = ("ref_doc_no", "document_id", "vbeln", "bonnummer")
    by_then = {
        name: {table: kept for table, rows in file.items() if (kept := [r for r in rows if had_happened & {r.get(n) for n in named}])}
        for name, file in files.items()
    }
    built(ledger, [by_then])
    cut = ledger.query("select * from serials").select(*UNIT, *PLACE).join(weighed, on=UNIT, how="anti")
    assert differing({"then": then.join(weighed, on=UNIT, how="anti").sort(UNIT)}, {"then": cut.sort(UNIT)}) == {}
