"""The roll-out as the simulator plants it: loads that are right but for the planted units, and effects of the size told."""

from __future__ import annotations

import numpy as np
import polars as pl

from pipelines.simulator import World
from tests.unit.simulator.conftest import once

UNIT = ["site", "article", "serial_number"]


def _loaded(world: World) -> pl.DataFrame:
    """One row per site and unit that was loaded: times."""
    lines = once(world.feeds["sap/goods_movements"]).filter(pl.col("move_type") == "561", pl.col("serialno").is_not_null())
    named = lines.select(site="plant", article=pl.col("material").str.strip_chars_start("0"), serial_number="serialno")
    return named.group_by(UNIT).len("times")


def _counted(world: World) -> pl.DataFrame:
    """Units that each site found on the day of its go-live."""
    live = world.truth["go_lives"]
    names = ["site", "article", "serial_number", "day"]
    scans = world.feeds["handheld/scans"].filter(pl.col("action") == "count").with_columns(day=pl.col("scanned_at").dt.date())
    counts = world.feeds["wms/counts"].with_columns(day=pl.col("counted_at").dt.date())
    found = pl.concat([scans.select(names), counts.select(names)])
    return found.join(live, on="site").filter(pl.col("day") == pl.col("go_live")).select(UNIT).unique()


def test_load_and_count_differ_in_the_planted_units_alone(world: World) -> None:
    truth, loaded, counted = world.truth["load_deviations"], _loaded(world), _counted(world)

    def planted(*kinds: str) -> list[tuple]:
        return sorted(truth.filter(pl.col("kind").is_in(kinds)).select(UNIT).rows())

    assert sorted(counted.join(loaded, on=UNIT, how="anti").rows()) == planted("counted_not_loaded")
    assert sorted(loaded.join(counted, on=UNIT, how="anti").select(UNIT).rows()) == planted("loaded_not_counted", "loaded_at_two_sites")
    assert sorted(loaded.filter(pl.col("times") > 1).select(UNIT).rows()) == planted("loaded_twice")
    assert len(planted("counted_not_loaded")) >= 3


def test_legacy_stock_is_what_was_counted_but_for_the_planted_quantities(world: World) -> None:
    legacy = world.feeds["rollout/legacy_stock"].group_by("site", "article", "stock_type").agg(pl.col("quantity").cast(pl.Int64).sum())
    counted = _counted(world).group_by("site", "article").len("counted").with_columns(stock_type=pl.lit("01"))
    devices = pl.col("article").str.starts_with("4005")
    both = legacy.filter(devices).join(counted, on=["site", "article", "stock_type"], how="full", coalesce=True)
    differs = both.select("site", "article", "stock_type", quantity=pl.col("quantity").fill_null(0) - pl.col("counted").fill_null(0))
    truth = world.truth["load_deviations"].filter(pl.col("serial_number").is_null()).select(differs.columns)
    assert sorted(differs.filter(pl.col("quantity") != 0).rows()) == sorted(truth.rows())
    assert truth.height >= 4


def test_task_times_change_by_the_planted_effect_and_not_by_chance_alone(world: World) -> None:
    effects = dict(world.truth["rollout_effects"].select("measure", "effect").iter_rows())
    rows = world.feeds["rollout/task_times"].with_columns(logarithm=(pl.col("minutes").cast(pl.Float64) / pl.col("units")).log())
    early = rows.join(world.truth["go_lives"], on="site").with_columns(after=pl.col("worked_on") >= pl.col("go_live"))
    for task in ("receipt", "transfer", "count"):
        change = early.filter(pl.col("task") == task).group_by("site", "after").agg(pl.col("logarithm").mean())
        after, before = (change.filter(pl.col("after") == side).sort("site")["logarithm"].mean() for side in (True, False))
        # Everybody also slows down, by 0.4 % a week over some nine weeks.
        assert abs(after - before - effects[f"{task}_minutes_per_unit"]) < 0.12, task


def test_bulk_counts_end_before_the_cut_over_and_err_as_told(world: World) -> None:
    lines = world.feeds["sap/iseg"].join(world.feeds["sap/ikpf"].select("iblnr", "gjahr", "zldat"), on=["iblnr", "gjahr"])
    live = lines.join(world.truth["go_lives"], left_on="werks", right_on="site")
    assert live.filter(pl.col("zldat") >= pl.col("go_live") - pl.duration(days=3)).is_empty()
    share = float((lines["menge"] - lines["buchm"]).cast(pl.Float64).abs().sum() / lines["buchm"].cast(pl.Float64).sum())
    assert np.isclose(share, 0.045, atol=0.01)
