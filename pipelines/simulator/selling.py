"""Selling and handing back: sales with price, campaign and customer, and the returns that follow.

Effects: 70 % of sales are to known customers, of whom every tenth hands back three times as often; a store's
customers come back with falling frequency; returns are 5.0 % (phones), 4.5 % (tablets), 7.5 % (wearables) and 30 % in
a bad batch, within 30 days and mostly early, 15 % of them in another store. What becomes of a returned unit is in
aftercare.py.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from pipelines.simulator.config import DAY_SECONDS, SimulationConfig
from pipelines.simulator.demand import Campaigns, price_at
from pipelines.simulator.events import FLOOR, Kind, at, moves
from pipelines.simulator.master import CENTRES, Master

__all__ = ["CONDITIONS", "DISPOSITIONS", "REASONS", "bring_back", "return_events", "sale_events", "sell"]

REASONS = pl.Series(["CHG", "WRG", "DOA", "DEF"])
CONDITIONS = pl.Series(["A", "B", "C", "D"])
DISPOSITIONS = pl.Series(["RST", "RPR", "RTV", "SCR"])
_PER_MILLE = {"PHONE": 50, "TABLET": 45, "WEARABLE": 75}


def sell(
    config: SimulationConfig,
    master: Master,
    *,
    campaigns: Campaigns,
    rng: np.random.Generator,
    unit: np.ndarray,
    variant: np.ndarray,
    site: np.ndarray,
    day: np.ndarray,
    used: np.ndarray,
) -> pl.DataFrame:
    """One row per sale: unit (-1 without serial), variant, site, time, customer (-1 unknown), price in cents,
    campaign, used.
    """
    price, campaign = price_at(master, campaigns, variant=variant, site=site, day=day, used=used)
    per_store = master.customers // config.stores
    habit = (per_store * rng.random(len(unit)) ** 2).astype(np.int64)
    customer = np.where(rng.random(len(unit)) < 0.7, site - CENTRES + config.stores * habit, -1)
    return pl.DataFrame(
        {
            "unit": unit,
            "variant": variant,
            "site": site,
            "time": at(rng, Kind.SALE, day),
            "customer": customer,
            "price": price,
            "campaign": campaign,
            "used": used,
        }
    )


def bring_back(
    config: SimulationConfig,
    master: Master,
    *,
    sales: pl.DataFrame,
    first_row: int,
    bad: np.ndarray,
    final: np.ndarray,
    rng: np.random.Generator,
) -> pl.DataFrame:
    """One row per return of these sales: sale (row, from `first_row`), unit, variant, site, time, reason, condition,
    disposition, ...

    `bad` and `final` are masks over units: bad batch, and sold for good.
    """
    column = {name: sales[name].to_numpy() for name in ("unit", "variant", "site", "time", "customer", "price")}
    chance = _return_chance(config, master, column, bad=bad) * ~final[column["unit"]]
    row = np.flatnonzero(rng.random(len(sales)) * 1000 < chance)
    day = column["time"][row] // DAY_SECONDS + 1 + (rng.random(len(row)) ** 2 * 30).astype(np.int64)
    other = rng.integers(CENTRES, CENTRES + config.stores, len(row))
    elsewhere = (rng.random(len(row)) < 0.15) & (master.sites.go_live[other] < day)
    reason = np.where(
        bad[column["unit"][row]],
        rng.choice(4, len(row), p=[0.1, 0.0, 0.1, 0.8]),
        rng.choice(4, len(row), p=[0.46, 0.12, 0.12, 0.30]),
    )
    return pl.DataFrame(
        {
            "sale": row + first_row,
            "unit": column["unit"][row],
            "variant": column["variant"][row],
            "site": np.where(elsewhere, other, column["site"][row]),
            "time": at(rng, Kind.RETURN, day),
            "customer": column["customer"][row],
            "price": column["price"][row],
            "reason": reason,
            **_judged(reason, rng),
        }
    )


def _return_chance(config: SimulationConfig, master: Master, column: dict[str, np.ndarray], *, bad: np.ndarray) -> np.ndarray:
    """Returns per thousand sales, for each sale."""
    rate = np.array([_PER_MILLE.get(c, 0) for c in master.articles.category])[column["variant"]]
    rate = np.where(bad[column["unit"]], 300, rate)
    heavy = (column["customer"] >= 0) & (column["customer"] // config.stores % 10 == 0)
    return np.where(heavy, rate * 3, rate)


def _judged(reason: np.ndarray, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Condition and disposition: good units are restocked, defective ones repaired (55 %), sent back (30 %) or
    scrapped.
    """
    faulty = reason >= 2
    condition = np.where(faulty, rng.choice(4, len(reason), p=[0, 0.1, 0.5, 0.4]), rng.choice(4, len(reason), p=[0.7, 0.3, 0, 0]))
    disposition = np.where(faulty, rng.choice(4, len(reason), p=[0, 0.55, 0.30, 0.15]), 0)
    return {"condition": condition, "disposition": disposition}


def sale_events(sales: pl.DataFrame, *, mistyped: np.ndarray) -> pl.DataFrame:
    """The unit leaves with its buyer; a sale typed under another serial number is not posted for this one."""
    unit = sales["unit"].to_numpy()
    return moves(
        Kind.SALE,
        unit,
        sales["time"].to_numpy(),
        site=sales["site"].to_numpy(),
        used=sales["used"].to_numpy(),
        posted=~mistyped[unit],
    )


def return_events(returns: pl.DataFrame) -> pl.DataFrame:
    """The unit is back on the counter."""
    site = returns["site"].to_numpy()
    return moves(
        Kind.RETURN,
        returns["unit"].to_numpy(),
        returns["time"].to_numpy(),
        site=site,
        to_site=site,
        to_location=FLOOR,
        used=True,
    )
