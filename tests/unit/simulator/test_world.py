"""The world as a whole: deterministic, in the form of the contracts, of the promised size, plausible unit by unit."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from pipelines.simulator import SimulationConfig, World, simulate
from pipelines.simulator.shaping import contracts
from tests.unit.simulator.conftest import SMALL, once

OF_ERP = {
    *("sap/ekbe", "sap/equz", "sap/lips", "sap/marm", "sap/matdoc", "sap/mbew", "sap/mkpf", "sap/mseg", "sap/qmel"),
    *(*(f"sap/ser0{n}" for n in range(9) if n != 1), "sap/t377", "sap/vbrk", "sap/vbrp"),
}
"""Tables that an ERP extracts where somebody asks for them."""

# What comes through mapping contracts, or out of a live system, is no feed of the simulated retailer.
OTHER_IDOCS = {"pos/sales_totals", "pos/store_movements", "sap/handling_unit_serials", "sap/idoc_statuses", "sap/shipments"}
"""IDocs that a retailer may send, and the simulated one does not."""
WRITTEN_BY_PEOPLE = {"quality/warranty_terms", "rollout/acceptances", "sweeper/decisions"}
"""Terms that a person writes into a spreadsheet, and decisions."""
NO_FEEDS = ("tabular/", "tryton/", "epcis/", "s4/", "peoplesoft/")
TABLES = sorted(table for table in contracts() if not table.startswith(NO_FEEDS) and table not in OF_ERP | OTHER_IDOCS | WRITTEN_BY_PEOPLE)


def test_two_runs_give_equal_frames(world: World) -> None:
    again = simulate(SMALL)
    assert list(again.feeds) == list(world.feeds)
    assert all(again.feeds[name].equals(frame) for name, frame in world.feeds.items())
    assert all(again.truth[name].equals(frame) for name, frame in world.truth.items())


def test_another_seed_gives_another_world(world: World) -> None:
    other = simulate(SimulationConfig(days=75, stores=5, articles=12, seed=12, scale=0.6))
    assert not other.feeds["pos/receipts"].equals(world.feeds["pos/receipts"])


def test_every_inbound_contract_is_fed(world: World) -> None:
    assert sorted(world.feeds) == TABLES
    assert [table for table in TABLES if world.feeds[table].is_empty()] == []


@pytest.mark.parametrize("table", TABLES)
def test_feed_has_the_columns_of_its_contract(world: World, table: str) -> None:
    contract, frame = contracts()[table], world.feeds[table]
    assert dict(frame.schema) == {"_file": pl.String(), **contract.polars_schema}
    for column in contract.columns:
        values = frame[column.name]
        if column.required:
            assert values.null_count() == 0, column.name
        if column.max_length:
            assert (values.str.len_chars().max() or 0) <= column.max_length, column.name


@pytest.mark.parametrize("table", TABLES)
def test_primary_key_is_unique_within_one_extract(world: World, table: str) -> None:
    contract, frame = contracts()[table], once(world.feeds[table])
    key = list(contract.key)
    if table == "sap/goods_movements":
        key = ["sndprn", "docnum", *key]
    if "extract_date" in contract.polars_schema:
        key = [*key, "extract_date"]
    assert frame.select(key).is_duplicated().sum() == 0


@pytest.mark.parametrize(("shape", "documents"), [("ecc", {"sap/mkpf", "sap/mseg"}), ("s4", {"sap/matdoc"})])
def test_tables_of_the_erp_are_fed_where_somebody_asks_for_them(shape: str, documents: set[str]) -> None:
    asked = simulate(SimulationConfig(days=30, stores=3, articles=4, seed=5, scale=0.1, tables=shape))
    assert set(asked.feeds) & OF_ERP == {"sap/ser03", *documents}
    for table in {"sap/objk", "sap/ser03", *documents}:
        frame, contract = asked.feeds[table], contracts()[table]
        assert frame.select(contract.key).is_duplicated().sum() == 0, table
        assert [name for name in (*contract.key, *contract.needed) if frame[name].null_count()] == [], table
    listed = asked.feeds["sap/objk"].group_by("obknr").len("units").join(asked.feeds["sap/ser03"], on="obknr")
    assert listed.height == asked.feeds["sap/ser03"].height
    assert (listed["units"] == listed["anzsn"]).all()


def test_tables_of_no_known_shape_are_refused() -> None:
    with pytest.raises(ValueError, match="tables=r3 is no shape of SAP's tables; use ecc or s4"):
        SimulationConfig(tables="r3")


def test_default_world_has_between_100_and_200_thousand_movements() -> None:
    assert 100_000 <= simulate(SimulationConfig()).movements <= 200_000


def test_scale_multiplies_the_movements(world: World) -> None:
    bigger = simulate(SimulationConfig(days=75, stores=5, articles=12, seed=11, scale=1.8))
    assert 2.7 <= bigger.movements / world.movements <= 3.3


def test_settings_out_of_range_are_refused_by_name() -> None:
    with pytest.raises(ValueError, match="stores=2 is out of range; use 3 to 899"):
        SimulationConfig(stores=2)


def test_no_serial_is_reported_before_the_go_live_of_a_store(world: World, history: pl.DataFrame) -> None:
    live = world.truth["go_lives"].filter(pl.col("go_live") > SMALL.start)
    assert live.height == 3
    joined = history.join(live, on="site")
    assert joined.height > 0
    assert joined.filter(pl.col("at").dt.date() < pl.col("go_live")).height == 0


def test_sales_before_go_live_are_bulk_lines(world: World) -> None:
    late = world.truth["go_lives"].filter(pl.col("go_live") > SMALL.start)
    lines = world.feeds["pos/receipts"].join(late, left_on="sndprn", right_on="site")
    devices = lines.filter(pl.col("artnr").str.contains("4005"), pl.col("vorgdatum") < pl.col("go_live"))
    assert devices.height > 0
    assert devices["seriennr"].null_count() == devices.height


def test_profile_stands_in_marc_from_the_go_live_on(world: World) -> None:
    live = world.truth["go_lives"].filter(pl.col("go_live") > SMALL.start)
    rows = world.feeds["sap/marc"].join(live, left_on="werks", right_on="site").filter(pl.col("bwtty") == "C")
    assert rows.filter(pl.col("extract_date") < pl.col("go_live"))["sernp"].drop_nulls().len() == 0
    assert set(rows.filter(pl.col("extract_date") == pl.col("go_live"))["sernp"]) == {"0003"}


def test_unfaulted_unit_is_in_one_place_at_a_time(history: pl.DataFrame, faulted: pl.DataFrame) -> None:
    clean = history.join(faulted, on=["article", "serial"], how="anti")
    assert clean["serial"].n_unique() > 0.9 * history["serial"].n_unique()
    unit = ["article", "serial"]
    steps = clean.with_columns(before=pl.col("target").shift(1).over(unit).fill_null("new"), gap=pl.col("at").diff().over(unit))
    broken = steps.filter(pl.col("before") != pl.col("source"))
    assert broken.height == 0, broken.head(5)
    assert steps["gap"].min().total_seconds() >= 60


def test_unfaulted_unit_is_never_sold_twice_without_a_return(history: pl.DataFrame, faulted: pl.DataFrame) -> None:
    traded = history.filter(pl.col("code").is_in(["251", "252"])).join(faulted, on=["article", "serial"], how="anti")
    again = traded.with_columns(before=pl.col("code").shift(1).over("article", "serial"))
    assert again.filter(pl.col("before") == pl.col("code")).height == 0
    assert again.filter(pl.col("before").is_null(), pl.col("code") == "252").height == 0


def test_every_return_refers_to_the_receipt_of_its_sale(world: World) -> None:
    lines = once(world.feeds["pos/receipts"]).filter(pl.col("seriennr").is_not_null())
    back = lines.filter(pl.col("refbonnr").is_not_null())
    assert back.height > 50
    found = back.join(lines.filter(pl.col("vorzeichen") == "-"), left_on=["refbonnr", "seriennr"], right_on=["bonnummer", "seriennr"])
    assert found.height == back.height
    days = (found["vorgdatum"] - found["vorgdatum_right"]).dt.total_days()
    assert (days.min(), days.max() <= 30) == (1, True)


def test_repaired_unit_comes_back_by_101_and_543_of_one_document(world: World) -> None:
    rows = once(world.feeds["sap/goods_movements"]).filter(pl.col("po_number").str.starts_with("47"))
    pair = rows.group_by("docnum", "material", "serialno").agg(pl.col("move_type").sort())
    assert pair.height > 3
    assert set(pair["move_type"].list.join("+")) == {"101+543"}
    orders = world.feeds["sap/ekpo"].filter(pl.col("pstyp") == "3")
    assert set(rows["po_number"]) == set(orders["ebeln"])


def test_quantity_of_an_item_is_the_number_of_its_serials(world: World) -> None:
    rows = once(world.feeds["sap/goods_movements"]).filter(pl.col("serialno").is_not_null())
    items = rows.group_by("sndprn", "docnum", "matdoc_itm").agg(pl.len(), pl.col("entry_qnt").first().cast(pl.Int64))
    assert items.filter(pl.col("len") != pl.col("entry_qnt")).height == 0


def test_receipts_of_centres_have_two_equal_witnesses(world: World) -> None:
    posted = once(world.feeds["sap/goods_movements"]).filter(
        pl.col("sndprn") == "WMS", pl.col("move_type") == "101", pl.col("serialno").is_not_null()
    )
    received = world.feeds["wms/receipts"].filter(pl.col("serial_number").is_not_null())
    both = received.join(posted, left_on=["receipt_number", "serial_number"], right_on=["ref_doc_no", "serialno"])
    assert both.height == posted.height == received.height


def test_calendar_reaches_sixty_days_past_the_horizon(world: World) -> None:
    calendar = world.feeds["marketing/calendar"]
    assert calendar["calendar_date"].max() == date(2026, 7, 14)
    closed = calendar.filter(~pl.col("is_open"))
    assert set(closed["holiday_name"]) == {"Easter Sunday"}
    assert set(closed["calendar_date"]) == {date(2026, 4, 5)}
