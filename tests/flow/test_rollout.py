"""The roll-out over a whole retailer: every wrong unit of a load is found, the site is held alone, and effects are the planted ones."""

from __future__ import annotations

import shutil

import dagster as dg
import polars as pl
import pytest
from typer.testing import CliRunner

from pipelines.cli import app
from pipelines.home import Home
from pipelines.params import read_params
from pipelines.warehouse import query
from tests.flow.conftest import must_run, prepared

UNIT = ["site", "article", "serial_number", "kind"]


def _held(world) -> list[str]:
    return sorted(world.truth["load_deviations"]["site"].unique())


def test_every_planted_unit_of_a_load_is_found_and_no_other(built_world):
    planted = built_world.truth["load_deviations"].drop_nulls("serial_number").select(UNIT)
    found = built_world.query("select site_id, article_id, serial_number, deviation_code from rollout_load_units")
    assert sorted(found.rows()) == sorted(planted.rows())
    assert planted["kind"].n_unique() == 4


def test_every_planted_quantity_is_found_and_all_other_places_reconcile_exactly(built_world):
    truth = built_world.truth["load_deviations"]
    loads = built_world.query("select * from rollout_loads")
    # A load differs by the units that it has too many, and lacks; the legacy system by what it tells wrongly.
    surplus = {"loaded_twice": 1, "loaded_at_two_sites": 1, "loaded_not_counted": 1, "counted_not_loaded": -1}
    units = truth.drop_nulls("serial_number").with_columns(more=pl.col("kind").replace_strict(surplus, return_dtype=pl.Int64))
    legacy = truth.filter(pl.col("serial_number").is_null()).with_columns(more=-pl.col("quantity"))
    place = ["site", "article", "stock_type"]

    def differences(column: str) -> list[tuple]:
        rows = loads.filter(pl.col(column) != 0).select("site_id", "article_id", "stock_type_code", pl.col(column).cast(pl.Int64))
        return sorted(rows.rows())

    def planted(*frames: pl.DataFrame) -> list[tuple]:
        rows = pl.concat([frame.select(*place, "more") for frame in frames]).group_by(place).agg(pl.col("more").sum())
        return sorted(rows.filter(pl.col("more") != 0).rows())

    assert differences("difference_to_count") == planted(units)
    assert differences("difference_to_legacy") == planted(units, legacy)
    off = truth.select(place).unique()
    right = loads.join(off, left_on=["site_id", "article_id", "stock_type_code"], right_on=place, how="anti")
    assert right.height > 50
    assert right["verdict_code"].unique().to_list() == ["reconciled"]
    assert loads.filter("is_reconciled")["difference_to_legacy"].unique().to_list() == [0]


def test_only_the_sites_with_a_wrong_load_are_held_and_the_others_go_on(built_world):
    states = dict(built_world.query("select site_id, state_name from rollout_sites").iter_rows())
    live = built_world.truth["go_lives"]["site"].to_list()
    assert {site for site, state in states.items() if state == "held"} == set(_held(built_world))
    assert {site for site, state in states.items() if state == "live"} == set(live) - set(_held(built_world))
    assert {site for site, state in states.items() if state == "waiting"} == set(states) - set(live)
    assert built_world.outcome.succeeded
    flagged = built_world.query("select distinct site_id from stock_current where is_site_held")
    assert sorted(flagged["site_id"]) == _held(built_world)


def test_the_check_names_each_held_site_and_what_to_do(built_world, monkeypatch):
    prepared(built_world.home.root, monkeypatch)
    with dg.DagsterInstance.get() as instance:
        events = instance.all_logs(built_world.outcome.run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION)
    checks = [entry.dagster_event.asset_check_evaluation_data for entry in events]
    failed = [check for check in checks if not check.passed and check.severity == dg.AssetCheckSeverity.ERROR]
    assert [(check.check_name, check.blocking) for check in failed] == [("initial_loads_reconcile", False)]
    for site in _held(built_world):
        assert f"accept-load {site} --reason" in failed[0].metadata[site].text


def test_effects_are_the_planted_ones_and_no_effect_is_called_none(built_world):
    planted = dict(built_world.truth["rollout_effects"].select("measure", "effect").iter_rows())
    found = {row["measure_name"]: row for row in built_world.query("select * from rollout_effects where scope_code = 'all'").to_dicts()}
    assert set(found) == set(planted)
    for measure, effect in planted.items():
        assert found[measure]["lower_bound"] <= effect <= found[measure]["upper_bound"], measure
        assert found[measure]["is_significant"] == (effect != 0), measure
    stores = [site for site in built_world.truth["go_lives"]["site"] if site.startswith("S")]
    assert found["receipt_minutes_per_unit"]["live_sites"] == len(stores)


def test_measures_change_from_bulk_to_serial_in_the_week_of_the_go_live(built_world):
    rows = built_world.query("select * from rollout_measures where site_id like 'S%'")
    whole = rows.group_by("tracking_name").agg(pl.col("units_off", "book_units").sum())
    off = {name: float(wrong) / float(book) for name, wrong, book in whole.filter(pl.col("book_units") > 0).iter_rows()}
    assert off["serial"] < 0.025
    assert off["bulk"] > 0.035
    assert rows.filter(pl.col("weeks_since_go_live") < 0)["tracking_name"].unique().to_list() == ["bulk"]
    assert (
        rows.filter(pl.col("tracking_name") == "bulk")["scanned_count_seconds_per_unit"].null_count()
        == rows.filter(pl.col("tracking_name") == "bulk").height
    )


def test_held_sites_alone_stop_the_next_wave(built_world):
    rows = built_world.query("select * from rollout_decisions order by criterion_code")
    waiting = built_world.query("select min(wave_number) from rollout_sites where state_name = 'waiting'").item()
    assert rows["wave_number"].unique().to_list() == [waiting]
    assert rows["decision_code"].unique().to_list() == ["no_go"]
    assert rows.filter(~pl.col("is_met"))["criterion_code"].to_list() == ["held_sites"]


@pytest.mark.slow
def test_accepting_its_differences_lets_a_site_go_live_and_the_wave_go(built_world, tmp_path_factory, monkeypatch):
    home = Home(tmp_path_factory.mktemp("accepted") / "home")
    shutil.copytree(built_world.home.root, home.root, ignore=shutil.ignore_patterns("models"))
    prepared(home.root, monkeypatch)
    refused = CliRunner().invoke(app, ["accept-load", "S101", "--reason", "counted twice"])
    assert refused.exit_code == 1
    for site in _held(built_world):
        assert f"S101 is not held; those that are: {', '.join(_held(built_world))}" in refused.output.replace("\n", " ")
        done = CliRunner().invoke(app, ["accept-load", site.lower(), "--reason", "all of it was found, and is corrected tonight"])
        assert done.exit_code == 0, done.output
    outcome = must_run(home)
    assert outcome.checks["failed"] == 0
    sites = query(home.published, "select * from rollout_sites where difference_id is not null")
    assert sites["state_name"].unique().to_list() == ["live"]
    assert sites["explanation"].str.contains("all of it was found").all()
    assert query(home.published, "select distinct decision_code from rollout_decisions").item() == "go"
    assert read_params().rollout.held_sites_at_most == 0
