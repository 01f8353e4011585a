"""The ledger and an independent referee (tests/referee) tell the same lives, faults included.

SERIALAKE_REFEREE_MOVEMENTS says of how many movements the larger retailer is (100000; set 1000000 for the long proof).
"""

import os
from datetime import datetime

import polars as pl
import pytest

from pipelines.contracts import source_contracts
from pipelines.home import Home
from pipelines.ingest import ensure_tables
from pipelines.lake import LINEAGE_SCHEMA, Lake
from pipelines.simulator import SimulationConfig, World, simulate
from pipelines.warehouse import install_delta_extension, query
from tests.flow.bronze import build
from tests.referee.lives import lives

MOVEMENTS = int(os.environ.get("SERIALAKE_REFEREE_MOVEMENTS", "100000"))
CARDS = "select article_id, serial_number, unit_state, site_id, storage_location_id, stock_type_code, movement_count from {}"
KEY = ["article_id", "serial_number"]


def differing(cards: pl.DataFrame, told: pl.DataFrame) -> pl.DataFrame:
    """Units that the ledger and the referee tell differently, or that only one of them knows."""
    told = told.with_columns(pl.col("movement_count").cast(pl.Int32)).select(cards.columns)
    both = cards.with_columns(teller=pl.lit("ledger")), told.with_columns(teller=pl.lit("referee"))
    alone = pl.concat(both).filter(pl.len().over(cards.columns) == 1)
    return alone.sort(*KEY, "teller")


def test_the_ledger_and_the_referee_tell_the_same_lives(built_world, small_world):
    told = lives(small_world.feeds)
    assert told.height > 3_000
    assert differing(built_world.query(CARDS.format("serials")), told).rows(named=True) == []


def delivered(world: World, home: Home) -> None:
    """The world's feeds in bronze, past the readers."""
    lake, contracts = Lake(home.lake), source_contracts()
    install_delta_extension()
    ensure_tables(lake, contracts)
    for table, rows in world.feeds.items():
        schema = contracts[table].polars_schema
        lineage = {
            "_load_id": pl.col("_file"),
            "_line": pl.int_range(pl.len(), dtype=pl.Int64),
            "_ingested_at": pl.lit(datetime(2027, 3, 1, 2), pl.Datetime("us")),
        }
        columns = [(pl.col(name) if name in rows.columns else pl.lit(None)).cast(kind).alias(name) for name, kind in schema.items()]
        lake.append_once(f"bronze/{table}", rows.with_columns(**lineage).select(*columns, *LINEAGE_SCHEMA), [table])


@pytest.mark.slow
def test_they_agree_on_a_retailer_of_many_movements(tmp_path, record_property):
    world = simulate(SimulationConfig(days=200, stores=30, articles=40, seed=3, scale=1.45 * MOVEMENTS / 1_000_000))
    record_property("movements", world.movements)
    assert world.movements > MOVEMENTS
    home = Home(tmp_path / "home").prepare()
    delivered(world, home)
    told = lives(world.feeds)
    build(home, "--exclude-resource-type", "test", "unit_test", "--select", "+serials")
    different = differing(query(home.warehouse, CARDS.format("marts.serials")), told)
    assert different.height == 0, different.head(20).rows()
