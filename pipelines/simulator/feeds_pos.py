"""Till receipts: sales, returns, counterfeits and accessories as lines of WPUBON receipts.

Receipt numbers and the columns of pos/receipts belong here. Sales before a store's go-live carry no serial number;
three of ten sales add an accessory as a second line. Which units are sold to whom is decided in selling.py.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from pipelines.simulator.arrays import (
    by_day,
    clock_text,
    days_to_dates,
    decimals,
    numbers,
    position_in_run,
    run_starts,
    sorted_by,
    text,
)
from pipelines.simulator.config import DAY_SECONDS
from pipelines.simulator.inflow import arrival_days
from pipelines.simulator.master import CENTRES
from pipelines.simulator.selling import CONDITIONS, REASONS, sell
from pipelines.simulator.shaping import conform
from pipelines.simulator.story import Story
from pipelines.simulator.supply import slots_before_go_live

__all__ = ["Till", "build_till", "receipts_feed"]

_TILLS = pl.Series([f"{k:02d}" for k in range(1, 5)])
_CASHIERS = pl.Series([f"08{k:02d}" for k in range(1, 13)])
_SIGNS = pl.Series(["-", "+"])
_SALE, _RETURN, _CLONE_SALE, _CLONE_RETURN = range(4)


@dataclass(frozen=True)
class Till:
    """Receipts in order of site and time: `receipts` has one row each, with `origin` (0 sale, 1 return, 2 and 3
    counterfeits) and its number.
    """

    receipts: pl.DataFrame

    def of(self, *origins: int) -> pl.DataFrame:
        """Receipts of these origins that name a unit."""
        return self.receipts.filter(pl.col("origin").is_in(list(origins)) & (pl.col("unit") >= 0))


def build_till(story: Story) -> Till:
    """All receipts within the horizon, numbered by site and time."""
    sales, returns = story.life.sales, story.life.returns
    rng = story.config.rng("till")
    rows = pl.concat(
        [
            _rows(sales.with_row_index("row"), _SALE),
            _rows(_unserialised_sales(story, rng).with_row_index("row"), _SALE).with_columns(row=pl.lit(-1, dtype=pl.Int64)),
            _rows(returns.with_columns(campaign=-1, row=pl.col("sale")), _RETURN),
            _clones(story, rng, "cloned_sold", _CLONE_SALE),
            _clones(story, rng, "cloned_returned", _CLONE_RETURN),
        ]
    )
    rows = sorted_by(rows.filter(pl.col("time") < story.config.end_second), "site", "time", "unit", "origin")
    number = position_in_run(run_starts(rows["site"].to_numpy())) + 1
    bon = "B" + story.master.sites.code.gather(rows["site"]).str.slice(1) + numbers("", number, 8)
    return Till(rows.with_columns(bon=bon, extra=pl.Series(np.where(rng.random(len(rows)) < 0.3, rng.integers(0, 4, len(rows)), -1))))


def _rows(frame: pl.DataFrame, origin: int) -> pl.DataFrame:
    """The columns that all receipts share; `row` is the number of the sale, or of the sale that a return refers to."""
    empty = {name: pl.lit(-1) for name in ("reason", "condition") if name not in frame.columns}
    names = ("row", "unit", "variant", "site", "time", "customer", "price", "campaign", "reason", "condition")
    return frame.with_columns(**empty).select(pl.col(*names).cast(pl.Int64), origin=pl.lit(origin, dtype=pl.Int64))


def _unserialised_sales(story: Story, rng: np.random.Generator) -> pl.DataFrame:
    demand = story.demand
    early = slots_before_go_live(story.master, demand) & (demand.day < story.config.days)
    site, variant, day = demand.site[early], demand.variant[early], demand.day[early]
    unit, used = np.full(len(site), -1), np.zeros(len(site), dtype=bool)
    return sell(
        story.config,
        story.master,
        campaigns=story.campaigns,
        rng=rng,
        unit=unit,
        variant=variant,
        site=site,
        day=day,
        used=used,
    )


def _clones(story: Story, rng: np.random.Generator, kind: str, origin: int) -> pl.DataFrame:
    """Counterfeits: the serial number of a genuine unit on a receipt of another store."""
    unit = story.plan.units[kind]
    home, stores = story.units.site[unit], story.config.stores
    site = CENTRES + (home - CENTRES + rng.integers(1, stores, len(unit))) % stores
    arrival = arrival_days(story.master, story.units)[unit]
    latest = np.minimum(story.units.sale_day[unit] + 8, story.config.days - 2)
    day = np.maximum(rng.integers(arrival + 1, latest + 1), story.master.sites.go_live.max() + 1)
    used = np.zeros(len(unit), dtype=bool)
    variant = story.units.variant[unit]
    rows = sell(
        story.config,
        story.master,
        campaigns=story.campaigns,
        rng=rng,
        unit=unit,
        variant=variant,
        site=site,
        day=day,
        used=used,
    )
    judged = {"reason": pl.lit(0), "condition": pl.lit(1)} if origin == _CLONE_RETURN else {}
    return _rows(rows.with_columns(row=pl.lit(-1), **judged), origin)


def receipts_feed(story: Story, till: Till) -> pl.DataFrame:
    """The feed pos/receipts: one row per line, sorted by site, file and receipt."""
    rows = till.receipts
    bon_of_sale = np.full(len(story.life.sales), -1)
    mine = (rows["origin"] == _SALE).to_numpy() & (rows["row"] >= 0).to_numpy()
    bon_of_sale[rows["row"].to_numpy()[mine]] = np.flatnonzero(mine)
    referred = np.where((rows["origin"] == _RETURN).to_numpy(), bon_of_sale[rows["row"].to_numpy()], -1)
    is_back = rows["origin"].is_in([_RETURN, _CLONE_RETURN])
    day = rows["time"].to_numpy() // DAY_SECONDS
    lines = rows.with_columns(
        referred=pl.Series(referred),
        back=is_back,
        day=pl.Series(day),
        index=pl.Series(np.arange(len(rows))),
        posnr=pl.lit(1),
    )
    second = lines.filter((pl.col("extra") >= 0) & ~pl.col("back"))
    second = second.with_columns(
        posnr=pl.lit(2),
        unit=pl.lit(-1, dtype=pl.Int64),
        variant=second["extra"] + story.master.articles.variants,
        campaign=pl.lit(-1, dtype=pl.Int64),
    ).with_columns(price=pl.Series(story.master.articles.price[second["extra"].to_numpy() + story.master.articles.variants]))
    lines = pl.concat([lines, second])
    file_day = story.file_days.tills[lines["site"].to_numpy(), lines["day"].to_numpy()]
    lines = sorted_by(lines.with_columns(file_day=pl.Series(file_day)), "site", "file_day", "index", "posnr")
    return _columns(story, lines, till.receipts["bon"])


def _columns(story: Story, lines: pl.DataFrame, bons: pl.Series) -> pl.DataFrame:
    start, days, site = story.start, story.config.days, lines["site"]
    day = days_to_dates(start, lines["day"])
    customers = numbers("0000", np.arange(story.master.customers) + 700_001, 6)
    prefix = pl.Series([f"sap/idoc/wpubon_{code}_{d}.xml" for code in story.master.sites.code for d in by_day(start, days)])
    columns = {
        "docnum": numbers("", lines["day"] + 1, 16),
        "idoctyp": "WPUBON01",
        "sndprn": story.master.sites.code.gather(site),
        "credat": day,
        "cretim": "213000",
        "kassid": _TILLS.gather(lines["index"] % 4),
        "vorgdatum": day,
        "vorgzeit": clock_text(lines["time"]),
        "bonnummer": bons.gather(lines["index"]),
        "qualkdnr": text(pl.Series(["CUST"]), np.where(lines["customer"].to_numpy() >= 0, 0, -1)),
        "kundnr": text(customers, lines["customer"]),
        "kassierer": _CASHIERS.gather((lines["index"] // 7 + site) % 12),
        "belegwaers": "USD",
        "posnr": lines["posnr"],
        "qualartnr": "ARTN",
        "artnr": story.master.articles.padded.gather(lines["variant"]),
        "seriennr": _typed_serials(story, lines),
        "vorzeichen": _SIGNS.gather(lines["back"].cast(pl.Int64)),
        "menge": pl.repeat(1, len(lines), dtype=pl.Int64, eager=True).cast(pl.Decimal(15, 3)),
        "aktionsnr": text(pl.Series(story.campaigns.number), lines["campaign"]),
        "refbonnr": text(bons, lines["referred"]),
        "kondvalue": decimals(lines["price"], 2, divisor=100),
        "return_reason": text(REASONS, lines["reason"]),
        "condition_code": text(CONDITIONS, lines["condition"]),
    }
    return conform("pos/receipts", columns, prefix.gather(site * days + lines["file_day"]))


def _typed_serials(story: Story, lines: pl.DataFrame) -> pl.Series:
    """Serial number as typed at the till: with two characters swapped at some sales, none on bulk lines."""
    unit = lines["unit"].to_numpy()
    serial = text(story.serial, unit)
    mistyped = story.plan.is_one("mistyped_sale")[unit] & (unit >= 0) & (lines["origin"] == _SALE).to_numpy()
    row = np.flatnonzero(mistyped)
    return serial.scatter(row, story.typed.gather(unit[row])) if len(row) else serial
