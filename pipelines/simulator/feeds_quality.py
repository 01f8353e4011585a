"""Quality feeds: warranty claims of customers in weekly files, and the recall of bad batches ten days before the end.

The columns of quality/warranty_claims and quality/recall_notices belong here, and the serial ranges of bad batches.
Claims: 0.6 % of units sold and kept, 9 % in a bad batch, 5 to 60 days after the sale. Which batches are bad is
decided in faults.py.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from pipelines.simulator.aftercare import FAULT_CODES
from pipelines.simulator.arrays import (
    days_to_dates,
    numbers,
    text,
)
from pipelines.simulator.config import DAY_SECONDS
from pipelines.simulator.master import MAKERS
from pipelines.simulator.shaping import conform, dated_files, weekly_files
from pipelines.simulator.story import Story, batch_codes

__all__ = ["bad_batches", "recalls_feed", "warranty_feed"]


def warranty_feed(story: Story) -> pl.DataFrame:
    """The feed quality/warranty_claims: one row per claim, in weekly files."""
    rng = story.config.rng("quality")
    last = story.life.sales.filter(pl.col("time") < story.config.end_second).with_columns(day=pl.col("time") // DAY_SECONDS)
    back = story.life.returns.filter(pl.col("time") < story.config.end_second)["unit"].implode()
    sold = last.filter(~pl.col("unit").is_in(back))
    bad = story.plan.is_one("bad_batch")[sold["unit"].to_numpy()]
    claims = sold.filter(pl.Series(rng.random(len(sold)) < np.where(bad, 0.09, 0.006)))
    claims = claims.with_columns(claimed=claims["day"] + pl.Series(rng.integers(5, 61, len(claims))))
    claims = claims.filter(pl.col("claimed") < story.config.days).sort("claimed", "unit")
    bad = story.plan.is_one("bad_batch")[claims["unit"].to_numpy()]
    code = np.where(bad, 0, rng.integers(0, 4, len(claims)))
    customers = numbers("0000", np.arange(story.master.customers) + 700_001, 6)
    columns = {
        "claim_number": numbers("WC", np.arange(len(claims)) + 1, 8),
        "claimed_on": days_to_dates(story.start, claims["claimed"]),
        "site": story.master.sites.code.gather(claims["site"]),
        "customer": text(customers, claims["customer"]),
        "article": story.master.articles.plain.gather(claims["variant"]),
        "serial_number": story.serial.gather(claims["unit"]),
        "fault_code": FAULT_CODES.gather(code),
        "decision": pl.Series(["accepted", "accepted", "accepted", "rejected", "open"]).gather(claims["unit"] % 5),
    }
    return conform(
        "quality/warranty_claims",
        columns,
        weekly_files(story.start, "quality/warranty_claims_", claims["claimed"], days=story.config.days),
    )


def bad_batches(story: Story) -> pl.DataFrame:
    """One row per bad batch: maker, article, production batch, first and last serial number, units."""
    batches, articles = story.plan.bad_batches, story.master.articles
    unit = story.plan.units["bad_batch"]
    names = pl.DataFrame(
        {
            "variant": story.units.variant[unit],
            "week": story.units.production_week[unit],
            "serial": story.serial.gather(unit),
        }
    )
    ranges = names.group_by("variant", "week").agg(serial_from=pl.col("serial").min(), serial_to=pl.col("serial").max(), units=pl.len())
    rows = batches.join(ranges, on=["variant", "week"], maintain_order="left")
    maker = articles.maker[rows["variant"].to_numpy()]
    code = batch_codes(story.config, maker, rows["week"].to_numpy()) + "-" + numbers("", rows["variant"], 3)
    return rows.select(
        manufacturer=MAKERS.gather(maker),
        article=articles.plain.gather(rows["variant"]),
        production_batch=code,
        serial_from="serial_from",
        serial_to="serial_to",
        units=pl.col("units").cast(pl.Int64),
    )


def recalls_feed(story: Story) -> pl.DataFrame:
    """The feed quality/recall_notices: one row per bad batch, ten days before the end of the horizon."""
    rows = bad_batches(story)
    day = np.full(len(rows), story.config.days - 10)
    columns = {name: rows[name] for name in ("manufacturer", "article", "serial_from", "serial_to", "production_batch")} | {
        "notice_number": numbers("RN", np.arange(len(rows)) + 1, 6),
        "issued_on": days_to_dates(story.start, day),
        "reason": "Battery may overheat while charging",
    }
    files = dated_files(story.start, "quality/recall_notices_", day, suffix=".csv", days=story.config.days)
    return conform("quality/recall_notices", columns, files)
