"""Planted faults: every kind is planted, and its units show the symptom in the feeds."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from pipelines.simulator import World
from tests.unit.simulator.conftest import SMALL, once

KINDS = (
    *("bad_batches", "cloned_serials", "count_differences", "duplicate_files", "eqbs_deviations", "freight_damage"),
    *("go_lives", "late_files", "load_deviations", "lost_in_transit", "mistyped_serials", "one_sided_transfers", "over_deliveries"),
    *("rollout_effects", "short_deliveries", "status_deviations", "stock_losses", "theft_rings", "units", "unposted_counts"),
    "wrong_articles",
)
UNIT = ["article", "serial_number"]


def _announced(world: World) -> pl.DataFrame:
    named = world.feeds["sap/deliveries"].filter(pl.col("sernr").is_not_null())
    return named.select(delivery_number="vbeln", article=pl.col("matnr").str.strip_chars_start("0"), serial_number="sernr")


def _received(world: World) -> pl.DataFrame:
    rows = once(world.feeds["sap/goods_movements"]).filter(pl.col("move_type") == "101", pl.col("deliv_numb_to_search").is_not_null())
    return rows.filter(pl.col("serialno").is_not_null()).select(
        delivery_number="deliv_numb_to_search",
        article=pl.col("material").str.strip_chars_start("0"),
        serial_number="serialno",
    )


def _truth(world: World, name: str, kind: str) -> pl.DataFrame:
    rows = world.truth[name].filter(pl.col("kind") == kind)
    assert rows.height >= 3
    return rows


def test_every_kind_of_truth_has_rows(world: World) -> None:
    assert sorted(world.truth) == sorted(KINDS)
    assert [kind for kind in KINDS if world.truth[kind].is_empty()] == []


@pytest.mark.parametrize("kind", ["inbound", "replenishment"])
def test_short_unit_is_announced_and_never_received(world: World, kind: str) -> None:
    short = _truth(world, "short_deliveries", kind)
    key = ["delivery_number", *UNIT]
    assert short.join(_announced(world), on=key, how="anti").height == 0
    assert short.join(_received(world), on=key, how="semi").height == 0


@pytest.mark.parametrize("kind", ["inbound", "replenishment"])
def test_surplus_unit_is_received_under_a_delivery_that_does_not_announce_it(world: World, kind: str) -> None:
    over = _truth(world, "over_deliveries", kind)
    key = ["delivery_number", *UNIT]
    assert over.join(_received(world), on=key, how="anti").height == 0
    assert over.join(_announced(world), on=key, how="semi").height == 0


def test_wrong_article_comes_instead_of_the_one_announced(world: World) -> None:
    wrong = world.truth["wrong_articles"]
    assert wrong.filter(pl.col("article") == pl.col("received_article")).height == 0
    key = ["delivery_number", *UNIT]
    came = wrong.select("delivery_number", article="received_article", serial_number="received_serial_number")
    assert wrong.join(_announced(world), on=key, how="anti").height == 0
    assert wrong.join(_received(world), on=key, how="semi").height == 0
    assert came.join(_received(world), on=key, how="anti").height == 0
    assert came.join(_announced(world), on=UNIT, how="semi").join(_announced(world), on=key, how="semi").height == 0


def test_unposted_receipt_is_scanned_and_not_posted(world: World) -> None:
    rows = _truth(world, "one_sided_transfers", "receipt_not_posted")
    scans = world.feeds["handheld/scans"].filter(pl.col("action") == "receive")
    posted = once(world.feeds["sap/goods_movements"])
    assert rows.join(scans, left_on=["document", *UNIT], right_on=["document_id", *UNIT], how="anti").height == 0
    assert rows.join(posted, left_on=["document", "serial_number"], right_on=["ref_doc_no", "serialno"], how="semi").height == 0


def test_missing_placement_has_a_303_and_no_305(world: World, history: pl.DataFrame) -> None:
    rows = _truth(world, "one_sided_transfers", "placement_missing")
    codes = rows.join(history, left_on=UNIT, right_on=["article", "serial"]).group_by(UNIT).agg(pl.col("code"))
    assert codes.height == rows.height
    assert all("303" in row and "305" not in row for row in codes["code"].to_list())


def test_other_two_step_transfers_have_both_steps(history: pl.DataFrame, faulted: pl.DataFrame) -> None:
    steps = history.filter(pl.col("code").is_in(["303", "305"])).join(faulted, on=["article", "serial"], how="anti")
    pairs = steps.sort("at").group_by("article", "serial", maintain_order=True).agg(pl.col("code").str.join("+"))
    assert pairs.filter(pl.col("code") == "303+305").height > 10
    assert set(pairs["code"]) <= {"303+305", "303"}


def test_copied_file_has_the_same_bytes_under_another_name(world: World, written: Path) -> None:
    for row in world.truth["duplicate_files"].filter(pl.col("kind") == "exact_copy").iter_rows(named=True):
        assert row["original_file"] != row["duplicate_file"]
        one, two = (written / "landing" / row[key] for key in ("original_file", "duplicate_file"))
        assert one.read_bytes() == two.read_bytes()


def test_repeated_idocs_bear_the_same_numbers_in_another_file(world: World, written: Path) -> None:
    repeats = world.truth["duplicate_files"].filter(pl.col("kind") == "repeated_idocs")
    assert set(repeats["table_name"]) == {"sap/goods_movements", "pos/receipts"}
    for row in repeats.iter_rows(named=True):
        frame = world.feeds[row["table_name"]]
        one, two = (frame.filter(pl.col("_file") == row[key]).drop("_file") for key in ("original_file", "duplicate_file"))
        assert two.height == row["records"]
        assert two.join(one, on=two.columns, how="anti", nulls_equal=True).height == 0
        assert (written / "landing" / row["duplicate_file"]).exists()


def test_late_records_lie_in_the_file_of_their_delivery_day(world: World) -> None:
    late = world.truth["late_files"]
    assert (late["days_late"].min(), late["days_late"].max() <= 10) == (1, True)
    scans = late.filter(pl.col("feed") == "handheld")
    rows = world.feeds["handheld/scans"].with_columns(record_date=pl.col("scanned_at").dt.date()).join(scans, on="record_date")
    assert rows.height > 0
    expected = rows.select(pl.lit("handheld/scans_") + pl.col("delivered_on").dt.strftime("%Y%m%d") + ".jsonl").to_series()
    assert (rows["_file"] == expected).all()


@pytest.mark.parametrize("kind", ["sale", "receipt"])
def test_mistyped_serial_differs_by_two_swapped_neighbours(world: World, kind: str) -> None:
    for row in _truth(world, "mistyped_serials", kind).iter_rows(named=True):
        true, typed = row["serial_number"], row["typed_serial_number"]
        places = [k for k, (a, b) in enumerate(zip(true, typed, strict=True)) if a != b]
        assert len(places) == 2
        assert places[1] == places[0] + 1
        assert (true[places[0]], true[places[1]]) == (typed[places[1]], typed[places[0]])


def test_mistyped_serial_is_reported_in_place_of_the_true_one(world: World) -> None:
    sales = _truth(world, "mistyped_serials", "sale")
    lines = once(world.feeds["pos/receipts"]).select(document="bonnummer", typed_serial_number="seriennr")
    assert sales.join(lines, on=["document", "typed_serial_number"], how="anti").height == 0
    receipts = _truth(world, "mistyped_serials", "receipt")
    posted = once(world.feeds["sap/goods_movements"]).select(document="ref_doc_no", typed_serial_number="serialno")
    scans = world.feeds["handheld/scans"].select(document="document_id", typed_serial_number="serial_number")
    assert receipts.join(posted, on=["document", "typed_serial_number"], how="anti").height == 0
    assert receipts.join(scans, on=["document", "typed_serial_number"], how="anti").height == 0
    units = world.truth["units"]
    assert world.truth["mistyped_serials"].join(units, left_on="typed_serial_number", right_on="serial_number", how="semi").height == 0


def test_clone_shows_on_a_receipt_of_another_store_than_its_genuine_unit(world: World, history: pl.DataFrame) -> None:
    for kind, code in (("cloned_sold", "251"), ("cloned_returned", "252")):
        clones = _truth(world, "cloned_serials", kind)
        assert clones.filter(pl.col("genuine_site") == pl.col("clone_site")).height == 0
        shown = clones.join(history, left_on=[*UNIT, "clone_site", "happened_at"], right_on=["article", "serial", "site", "at"])
        assert (shown.height, set(shown["code"])) == (clones.height, {code})
    sold = _truth(world, "cloned_serials", "cloned_sold").join(history, left_on=UNIT, right_on=["article", "serial"])
    genuine = sold.filter(pl.col("code") == "251", pl.col("site") == pl.col("genuine_site"))
    assert genuine.select(UNIT).n_unique() >= 3


def test_ring_units_bounce_between_three_stores_within_nine_days(world: World, history: pl.DataFrame) -> None:
    rings = world.truth["theft_rings"]
    rows = rings.join(history, left_on=UNIT, right_on=["article", "serial"])
    rows = rows.filter(pl.col("at").dt.date().is_between("first_day", "last_day"), pl.col("code").is_in(["251", "252", "301"]))
    per_unit = rows.group_by(UNIT).agg(pl.len(), pl.col("site").n_unique().alias("sites"))
    assert per_unit.height == rings.height
    assert (per_unit["len"].min(), per_unit["sites"].min()) == (8, 3)
    usual = history.filter(pl.col("code") == "252").join(rings, left_on=["article", "serial"], right_on=UNIT, how="anti")
    assert usual.group_by("article", "serial").len()["len"].max() <= 2


def test_bad_batch_comes_back_defective_many_times_as_often(world: World) -> None:
    batches = world.truth["bad_batches"]
    lines = once(world.feeds["pos/receipts"]).filter(pl.col("seriennr").is_not_null())
    lines = lines.with_columns(article=pl.col("artnr").str.strip_chars_start("0"))
    inside = pl.col("seriennr").is_between("serial_from", "serial_to")
    bad = lines.join(batches, on="article").filter(inside)
    good = lines.join(bad.select("seriennr"), on="seriennr", how="anti")

    def rate(rows: pl.DataFrame) -> float:
        return rows.filter(pl.col("return_reason").is_in(["DEF", "DOA"])).height / rows.filter(pl.col("vorzeichen") == "-").height

    assert rate(bad) > 4 * rate(good)
    assert bad.filter(pl.col("vorzeichen") == "-").height > 30


def test_recall_notice_covers_exactly_the_units_of_the_bad_batch(world: World) -> None:
    notices, batches = world.feeds["quality/recall_notices"], world.truth["bad_batches"]
    assert notices.select("article", "serial_from", "serial_to").equals(batches.select("article", "serial_from", "serial_to"))
    units = _announced(world).join(batches, on="article").filter(pl.col("serial_number").is_between("serial_from", "serial_to"))
    assert units["production_batch"].str.slice(0, 5).eq(units["serial_number"].str.slice(0, 5)).all()
    assert units.height > 0


def test_damaged_delivery_is_reported_by_the_carrier_and_claimed(world: World) -> None:
    damaged = world.truth["freight_damage"]
    events = world.feeds["carrier/tracking_events"].filter(pl.col("event_code") == "damaged")
    assert set(damaged["delivery_number"]) == set(events["delivery_number"])
    claims = world.feeds["carrier/freight_claims"].filter(pl.col("claim_type") == "damage")
    assert damaged.join(claims, on=["claim_number", "delivery_number", *UNIT], how="anti").height == 0
    looked = world.feeds["handheld/scans"].filter(
        pl.col("action") == "inspect", pl.col("condition_code") == "D", pl.col("disposition_code") == "SCR"
    )
    assert damaged.join(looked, on=UNIT, how="anti").height == 0


def test_lost_delivery_is_issued_and_never_arrives(world: World) -> None:
    lost = world.truth["lost_in_transit"]
    events = world.feeds["carrier/tracking_events"].join(lost, on="delivery_number", how="semi")
    assert set(events["event_code"]) == {"picked_up", "departed", "delayed"}
    key = ["delivery_number", *UNIT]
    assert lost.join(_announced(world), on=key, how="anti").height == 0
    assert _received(world).join(lost, on="delivery_number", how="semi").height == 0


def test_lost_unit_is_neither_counted_nor_sold_until_it_is_found_again(world: World, history: pl.DataFrame) -> None:
    lost = world.truth["stock_losses"]
    assert set(lost["kind"]) == {"store_loss", "centre_loss"}
    later = lost.join(history, left_on=UNIT, right_on=["article", "serial"]).filter(pl.col("at") > pl.col("lost_at"))
    assert {"702"} < set(later["code"]) <= {"702", "701"}
    posted = later.filter(pl.col("code") == "701").select(*UNIT, found_at=pl.col("at").dt.date())
    unposted = world.truth["unposted_counts"].filter(pl.col("kind") == "gain").select(*UNIT, found_at="counted_on")
    found = pl.concat([posted, unposted])
    scans = world.feeds["handheld/scans"].join(lost.select(*UNIT, "lost_at"), on=UNIT)
    seen = scans.filter(pl.col("scanned_at") > pl.col("lost_at")).join(found, on=UNIT, how="left")
    assert seen.filter(pl.col("scanned_at").dt.date() < pl.col("found_at")).height == 0
    assert seen["found_at"].null_count() == 0


def test_count_difference_is_posted_with_the_number_of_its_count(world: World) -> None:
    rows = world.truth["count_differences"]
    assert set(rows["kind"]) == {"loss", "gain"}
    posted = once(world.feeds["sap/goods_movements"]).filter(pl.col("move_type").is_in(["701", "702"]))
    key = {"left_on": ["count_document", "serial_number"], "right_on": ["ref_doc_no", "serialno"]}
    assert rows.join(posted, how="anti", **key).height == 0
    counted = world.feeds["handheld/scans"].filter(pl.col("action") == "count")
    gains = rows.filter(pl.col("kind") == "gain", pl.col("site").str.starts_with("S"))
    losses = rows.filter(pl.col("kind") == "loss")
    assert gains.join(counted, on=["count_document", *UNIT], how="anti").height == 0
    assert losses.join(counted, on=["count_document", *UNIT], how="semi").height == 0


def test_difference_that_nobody_posted_was_found_by_the_count_of_its_number(world: World) -> None:
    rows = world.truth["unposted_counts"]
    posted = once(world.feeds["sap/goods_movements"]).filter(pl.col("move_type").is_in(["701", "702"]))
    assert rows.join(posted, left_on=["count_document", "serial_number"], right_on=["ref_doc_no", "serialno"], how="semi").height == 0
    counted = world.feeds["handheld/scans"].filter(pl.col("action") == "count").select("count_document", *UNIT)
    counted = pl.concat([counted, world.feeds["wms/counts"].select("count_document", pl.col("article"), "serial_number")])
    losses, gains = (_truth(world, "unposted_counts", kind) for kind in ("loss", "gain"))
    assert gains.join(counted, on=["count_document", *UNIT], how="anti").height == 0
    assert losses.join(counted, on=["count_document", *UNIT], how="semi").height == 0


def test_status_follows_from_the_last_posting_save_for_planted_ones(world: World) -> None:
    equi = world.feeds["sap/equi"].select("equnr", "objnr")
    texts = world.feeds["sap/tj02t"].select(stat="istat", status="txt04")
    statuses = world.feeds["sap/jest"].join(texts, on="stat").join(equi, on="objnr").group_by("equnr").agg(pl.col("status").sort())
    planted = {
        kind: set(_truth(world, "status_deviations", kind)["equipment"]) for kind in ("stuck_on_delivery", "in_stock_and_at_customer")
    }
    listed = (
        world.feeds["sap/objk"]
        .join(world.feeds["sap/ser01"].select("obknr", vbeln="lief_nr"), on="obknr")
        .join(world.feeds["sap/likp"].select("vbeln", "wadat_ist"), on="vbeln")
    )
    still_open = set(listed.filter(pl.col("wadat_ist").is_null())["equnr"])
    by_status = {tuple(row["status"]): set(row["equnr"]) for row in statuses.group_by("status").agg("equnr").iter_rows(named=True)}
    assert by_status["ECUS", "ESTO"] == planted["in_stock_and_at_customer"]
    assert by_status["EDEL", "ESTO"] == planted["stuck_on_delivery"] | still_open
    assert not planted["stuck_on_delivery"] & still_open
    assert set(by_status) == {("ESTO",), ("ECUS",), ("AVLB",), ("ECUS", "ESTO"), ("EDEL", "ESTO")}


def test_equipment_agrees_with_the_last_posting_save_for_planted_rows(world: World, history: pl.DataFrame, faulted: pl.DataFrame) -> None:
    equi = world.feeds["sap/equi"].select("equnr", article=pl.col("matnr").str.strip_chars_start("0"), serial="sernr")
    seen = equi.join(world.feeds["sap/eqbs"], on="equnr", how="left").with_columns(
        pl.when(pl.col("sobkz") == "O").then(pl.lit("vendor:") + pl.col("b_werk"))
        .when(pl.col("lbbsa").is_in(["05", "06"])).then(pl.lit("way:") + pl.col("b_werk"))
        .otherwise(pl.col("b_werk") + pl.col("b_lager")).alias("erp")
    )  # fmt: skip
    last = history.group_by("article", "serial", maintain_order=True).last()
    last = last.with_columns(target=pl.when(~pl.col("target").is_in(["sold", "gone"])).then("target"))
    both = seen.join(last, on=["article", "serial"], how="inner").join(faulted, on=["article", "serial"], how="anti")
    differs = both.filter(pl.col("erp").ne_missing(pl.col("target")))
    planted = world.truth["eqbs_deviations"].join(faulted, left_on=["article", "serial_number"], right_on=["article", "serial"], how="anti")
    assert set(differs["equnr"]) == set(planted["equipment"])
    assert both.height > 1000


def test_true_place_of_every_unfaulted_unit_follows_from_its_documents(world: World, history: pl.DataFrame, faulted: pl.DataFrame) -> None:
    units = world.truth["units"].rename({"serial_number": "serial"}).join(faulted, on=["article", "serial"], how="anti")
    last = history.group_by("article", "serial", maintain_order=True).last()
    both = units.join(last, on=["article", "serial"], suffix="_last")
    assert both.height == units.height
    place = pl.when(pl.col("status") == "in_stock").then(pl.concat_str("site", "storage_location")).when(pl.col("status") == "in_transit")
    place = (
        place.then(pl.lit("way:") + pl.col("site")).when(pl.col("status") == "at_repair_vendor").then(pl.lit("vendor:") + pl.col("site"))
    )
    place = place.when(pl.col("status") == "sold").then(pl.lit("sold")).otherwise(pl.lit("gone"))
    wrong = both.filter(place != pl.col("target"))
    assert wrong.height == 0, wrong.head(5)


def test_faults_show_themselves_before_the_horizon_ends(world: World) -> None:
    last = SMALL.start.toordinal() + SMALL.days - 1
    for kind in ("short_deliveries", "over_deliveries", "wrong_articles", "freight_damage", "lost_in_transit"):
        assert world.truth[kind]["due_on"].max().toordinal() <= last
