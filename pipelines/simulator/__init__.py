"""Simulator: a seeded retailer that emits every inbound feed in the form of its contract, with planted truth.

Settings, the world as frames, and the writing of its files are the public interface. How goods flow is in story.py
and the modules it names; what each feed holds is in data_contracts/sources. No pipeline reads the truth.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from pipelines.simulator.config import FaultRates, SimulationConfig
from pipelines.simulator.delivery_faults import repeat_files
from pipelines.simulator.delivery_items import build_items
from pipelines.simulator.feeds_deliveries import deliveries_feed, handling_units_feed
from pipelines.simulator.feeds_equipment import equipment_feeds
from pipelines.simulator.feeds_master import marketing_feeds, master_feeds
from pipelines.simulator.feeds_movements import goods_movements
from pipelines.simulator.feeds_orders import orders_feeds
from pipelines.simulator.feeds_partners import claims_feed, repairs_feed, tracking_feed
from pipelines.simulator.feeds_planning import stock_rules_feed
from pipelines.simulator.feeds_pos import build_till
from pipelines.simulator.feeds_pos import receipts_feed as till_feed
from pipelines.simulator.feeds_quality import recalls_feed, warranty_feed
from pipelines.simulator.feeds_rollout import rollout_feeds, rollout_truth
from pipelines.simulator.feeds_tables import table_feeds
from pipelines.simulator.feeds_warehouse import counts_feed, receipts_feed, scans_feed
from pipelines.simulator.files import write_feeds, write_truth
from pipelines.simulator.postings import build_postings
from pipelines.simulator.story import build_story
from pipelines.simulator.truth import truth_tables

__all__ = ["FaultRates", "SimulationConfig", "World", "simulate", "write"]


@dataclass(frozen=True)
class World:
    """Feeds by contract table (with `_file` first) and truth by name."""

    feeds: dict[str, pl.DataFrame]
    truth: dict[str, pl.DataFrame]

    @property
    def movements(self) -> int:
        """Goods movements by unit: postings with a serial number, units issued to stores, sales and returns; repeats
        not counted.
        """
        once = ~pl.col("_file").str.contains("_again", literal=True)
        posted = self.feeds["sap/goods_movements"].filter(once)["serialno"].count()
        issued = self.feeds["sap/deliveries"].filter(once, pl.col("lfart") == "NL")["sernr"].count()
        return posted + issued + self.feeds["pos/receipts"].filter(once)["seriennr"].count()


def simulate(config: SimulationConfig) -> World:
    """The world of these settings; the same settings give the same world."""
    story = build_story(config)
    items = build_items(story)
    postings = build_postings(story)
    till = build_till(story)
    equipment, odd = equipment_feeds(story, till)
    feeds = {
        **master_feeds(story),
        **marketing_feeds(story),
        "planning/stock_rules": stock_rules_feed(story),
        **orders_feeds(story, items, postings),
        "sap/deliveries": deliveries_feed(story, items),
        "sap/handling_units": handling_units_feed(story, items),
        "sap/goods_movements": goods_movements(story, postings, items),
        "wms/receipts": receipts_feed(story, postings, items),
        "wms/counts": counts_feed(story),
        "handheld/scans": scans_feed(story, postings, items),
        "pos/receipts": till_feed(story, till),
        "carrier/tracking_events": tracking_feed(story, items),
        "carrier/freight_claims": claims_feed(story, items),
        "repair_vendor/repair_orders": repairs_feed(story),
        "quality/warranty_claims": warranty_feed(story),
        "quality/recall_notices": recalls_feed(story),
        **equipment,
        **rollout_feeds(story, postings),
    }
    if config.tables:
        tables = table_feeds(feeds, config.tables)
        feeds |= tables | {"sap/objk": pl.concat([feeds["sap/objk"], tables["sap/objk"]])}
    feeds, duplicates = repeat_files(config, feeds)
    truth = truth_tables(story, items=items, postings=postings, till=till)
    truth |= rollout_truth(story, postings)
    return World(feeds, truth | odd | {"duplicate_files": duplicates})


def write(world: World, out: Path, truth: Path, *, on_file: Callable[[int], None] | None = None) -> int:
    """Writes all feed files below `out` and the truth as parquet below `truth`; returns the number of feed files.

    Every file appears whole or not at all. `on_file` is called with the number of files written so far.
    """
    copies = world.truth["duplicate_files"].filter(pl.col("kind") == "exact_copy")
    count = write_feeds(world.feeds, copies, out, on_file=on_file)
    write_truth(world.truth, truth)
    return count
