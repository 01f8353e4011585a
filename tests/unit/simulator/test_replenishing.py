"""Stores that order by minimum and maximum levels: nothing is made or lost but what is counted, and shelves run empty."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import polars as pl
import pytest

from pipelines.simulator import SimulationConfig, World, simulate
from pipelines.simulator.replenishing import MinMaxPolicy, replenished

CONFIG = SimulationConfig(days=120, stores=6, articles=12, seed=5)


@pytest.fixture(scope="module")
def flow() -> pl.DataFrame:
    return replenished(CONFIG)


def test_demand_is_sold_or_lost(flow: pl.DataFrame) -> None:
    assert (flow["demand"] == flow["sold"] + flow["lost"]).all()
    assert flow.select(pl.min_horizontal("sold", "lost", "received", "stock").min()).item() >= 0


def test_receipts_less_sales_are_the_stock(flow: pl.DataFrame) -> None:
    folded = flow.select("stock", kept=(pl.col("received") - pl.col("sold")).cum_sum().over("unique_id"))
    assert (folded["kept"] == folded["stock"]).all()


def test_sales_are_lost_only_where_nothing_is_left(flow: pl.DataFrame) -> None:
    assert flow.filter(pl.col("lost") > 0)["is_stock_out"].all()
    assert 0.005 < flow["lost"].sum() / flow["demand"].sum() < 0.15


def test_campaigns_come_as_a_surprise_to_the_levels(flow: pl.DataFrame) -> None:
    on_offer = pl.col("discount_pct") >= 20
    shares = flow.group_by(on_offer.alias("on_offer")).agg(lost=pl.col("lost").sum() / pl.col("demand").sum()).sort("on_offer")
    assert shares["lost"][1] > 1.3 * shares["lost"][0]


def test_stock_follows_the_levels(flow: pl.DataFrame) -> None:
    assert (flow["minimum"] < flow["maximum"]).all()
    assert flow.filter(pl.col("stock") > pl.col("maximum")).height < 0.25 * flow.height  # only where a maximum was lowered
    ampler = replenished(CONFIG, MinMaxPolicy(minimum_cover_days=14, maximum_cover_days=28))
    assert ampler["lost"].sum() < flow["lost"].sum()
    assert ampler["stock"].sum() > flow["stock"].sum()


def test_series_start_with_the_go_live_or_the_launch(flow: pl.DataFrame) -> None:
    starts = flow.group_by("unique_id").agg(
        first=pl.col("ds").min(), days=pl.len(), last=pl.col("ds").max(), opening=pl.col("received").first()
    )
    assert starts["first"].n_unique() > 2
    assert (starts["opening"] > 0).all()
    assert ((starts["last"] - starts["first"]).dt.total_days() + 1 == starts["days"]).all()


def test_the_same_settings_give_the_same_rows(flow: pl.DataFrame) -> None:
    assert replenished(CONFIG).equals(flow)


@pytest.fixture(scope="module")
def world() -> World:
    return simulate(replace(CONFIG, replenishment="min_max"))


def test_the_world_plants_the_flow(flow: pl.DataFrame, world: World) -> None:
    truth = world.truth["demand"]
    assert (truth["demand"] == truth["sold"] + truth["lost"]).all()
    assert truth["demand"].to_list() == flow["demand"].to_list()
    assert 0 <= flow["sold"].sum() - truth["sold"].sum() < 0.03 * flow["sold"].sum()


def test_tills_tell_of_the_sales_that_were_met(world: World) -> None:
    day = pl.col("vorgdatum")
    new = world.feeds["pos/receipts"].filter(
        ~pl.col("_file").str.contains("_again", literal=True), pl.col("vorzeichen") == "-", pl.col("seriennr").is_not_null()
    )
    first = new.sort(day, "vorgzeit").unique(["artnr", "seriennr"], keep="first")
    told = first.group_by(article=pl.col("artnr").str.strip_chars_start("0"), site="sndprn", sales_date=day).agg(told=pl.len())
    joined = world.truth["demand"].join(told, on=["article", "site", "sales_date"], how="left").with_columns(pl.col("told").fill_null(0))
    differing = (joined["told"].cast(pl.Int64) - joined["sold"].cast(pl.Int64)).abs().sum()
    assert differing < 0.02 * joined["sold"].sum()  # clones, units of rings and mistyped serial numbers


def test_levels_are_told_with_the_day_from_which_they_held(flow: pl.DataFrame, world: World) -> None:
    levels = world.truth["replenishment_levels"]
    assert levels.select(pl.struct("article", "site", "valid_from").is_unique().all()).item()
    told = flow.sort("ds").join_asof(levels.sort("valid_from"), left_on="ds", right_on="valid_from", by=["article", "site"], suffix="_told")
    assert (told["minimum"] == told["minimum_told"]).all()
    assert (told["maximum"] == told["maximum_told"]).all()


def test_a_world_where_everything_is_sold_stays_as_it_was() -> None:
    world = simulate(SimulationConfig(days=40, stores=4, articles=8, scale=0.5))
    digest = hashlib.sha256()
    for name, frame in sorted({**world.feeds, **{f"truth/{name}": frame for name, frame in world.truth.items()}}.items()):
        digest.update(name.encode())
        digest.update(frame.write_csv().encode())
    assert digest.hexdigest() == "35f4bdb503e30cbca4f900abc1a8b886b7d3e8522f43b874b8b817216ff4736d"


def test_an_unknown_policy_is_refused() -> None:
    with pytest.raises(ValueError, match="use as_sold or min_max"):
        SimulationConfig(replenishment="guess")
