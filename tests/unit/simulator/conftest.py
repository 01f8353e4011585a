"""A small world for the simulator's tests, simulated and written once, and what its feeds say about each unit."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from pipelines.simulator import SimulationConfig, World, simulate, write

SMALL = SimulationConfig(days=75, stores=5, articles=12, seed=11, scale=0.6)


@pytest.fixture(scope="session")
def world() -> World:
    return simulate(SMALL)


@pytest.fixture(scope="session")
def written(world: World, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("written")
    write(world, root / "landing", root / "truth")
    return root


def once(frame: pl.DataFrame) -> pl.DataFrame:
    """Records without those of repeated IDoc files."""
    return frame.filter(~pl.col("_file").str.contains("_again", literal=True))


def _moment(day: str, clock: str) -> pl.Expr:
    text = pl.col(day).dt.strftime("%Y%m%d") + pl.col(clock)
    return text.str.to_datetime("%Y%m%d%H%M%S", time_unit="us")


@pytest.fixture(scope="session")
def history(world: World) -> pl.DataFrame:
    """One row per unit and movement as the feeds report it: article, serial, at, code, source, target, posting site."""
    gm = once(world.feeds["sap/goods_movements"]).filter(pl.col("serialno").is_not_null(), pl.col("move_type") != "543")
    shelf, on_the_way = pl.concat_str("plant", "stge_loc"), pl.lit("way:") + pl.col("plant")
    vendor, gone = pl.lit("vendor:") + pl.col("plant"), pl.lit("gone")
    code = pl.col("move_type")
    repaired = (code == "101") & pl.col("po_number").str.starts_with("47")
    replenished = (code == "101") & (pl.col("sndprn") == "HANDHELD") & ~repaired
    posted = gm.select(
        article=pl.col("material").str.strip_chars_start("0"),
        serial="serialno",
        at=_moment("pstng_date", "cretim"),
        code=code,
        site="plant",
        source=pl.when(repaired | (code == "542")).then(vendor)
        .when(replenished | (code == "305")).then(on_the_way)
        .when(code.is_in(["561", "101"])).then(pl.lit("new"))
        .when(code == "701").then(gone)
        .otherwise(shelf),
        target=pl.when(code.is_in(["311", "301"])).then(pl.concat_str("move_plant", "move_stloc"))
        .when(code == "303").then(pl.lit("way:") + pl.col("move_plant"))
        .when(code == "541").then(vendor)
        .when(code.is_in(["122", "551", "702"])).then(gone)
        .otherwise(shelf),
    )  # fmt: skip
    issued = world.feeds["sap/deliveries"].filter(pl.col("lfart") == "NL", pl.col("sernr").is_not_null()).select(
        article=pl.col("matnr").str.strip_chars_start("0"),
        serial="sernr",
        at="goods_issue_actual_at",
        code=pl.lit("641"),
        site="werks",
        source=pl.concat_str("werks", "lgort"),
        target=pl.lit("way:") + pl.col("partner_we"),
    )  # fmt: skip
    sale = pl.col("vorzeichen") == "-"
    counter = pl.col("sndprn") + "0001"
    traded = once(world.feeds["pos/receipts"]).filter(pl.col("seriennr").is_not_null()).select(
        article=pl.col("artnr").str.strip_chars_start("0"),
        serial="seriennr",
        at=_moment("vorgdatum", "vorgzeit"),
        code=pl.when(sale).then(pl.lit("251")).otherwise(pl.lit("252")),
        site="sndprn",
        source=pl.when(sale).then(counter).otherwise(pl.lit("sold")),
        target=pl.when(sale).then(pl.lit("sold")).otherwise(counter),
    )  # fmt: skip
    return pl.concat([posted, issued, traded]).sort("article", "serial", "at")


@pytest.fixture(scope="session")
def faulted(world: World) -> pl.DataFrame:
    """Units (article, serial) that take part in a fault of goods or typing."""
    goods = (
        "short_deliveries",
        "over_deliveries",
        "wrong_articles",
        "freight_damage",
        "lost_in_transit",
        "stock_losses",
    )
    kinds = (*goods, "one_sided_transfers", "mistyped_serials", "cloned_serials", "count_differences", "unposted_counts")
    named = [world.truth[kind].select("article", serial="serial_number") for kind in kinds]
    came = world.truth["wrong_articles"].select(article="received_article", serial="received_serial_number")
    typed = world.truth["mistyped_serials"].select("article", serial="typed_serial_number")
    loaded = world.truth["load_deviations"].drop_nulls("serial_number").select("article", serial="serial_number")
    return pl.concat([*named, came, typed, loaded]).unique()
