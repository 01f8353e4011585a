"""Stores that order by minimum and maximum levels: nothing is made or lost but what is counted, and shelves run empty."""

from __future__ import annotations

import polars as pl
import pytest

from pipelines.simulator import SimulationConfig
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
    assert shares["lost"][1] > 2 * shares["lost"][0]


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
