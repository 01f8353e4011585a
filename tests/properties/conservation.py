"""Conservation: what movements bring to a place less what they take from it is what lies there, to the unit, on every day.

A place is a site, storage location, stock type and special stock that holds units of an article. A movement takes a unit from
where the movement before it left it, and brings it where its document says. A document says, too, where it takes the unit
from. The two differ only for movements that carry a conflict code (received in two places, moved from a wrong site and so on):
such a movement takes the unit from where the ledger had it, so that it never counts twice, and the place that its document
names keeps what it had. A movement that the state does not follow (int_movements_outweighed) moves nothing.
"""

from __future__ import annotations

from datetime import date

import polars as pl

UNIT = ["article_id", "serial_number"]
HELD = ["in_stock", "in_transit", "with_vendor"]
PLACE = ["site_id", "storage_location_id", "stock_type_code", "special_stock_code"]
DAILY = ["article_id", "site_id", "stock_type_code", "special_stock_code"]

MOVEMENTS = """
    select
        article_id, serial_number, sequence_number, movement_id, unit_state, moved_at, conflict_code, is_reversal,
        to_site_id as site_id, to_storage_location_id as storage_location_id,
        stock_type_code, special_stock_code, from_site_id, from_storage_location_id
    from serial_movements
"""

OUTWEIGHED = """
    select distinct conflict_id as movement_id from serial_conflicts
    where decided_by in ('document_chain', 'witness_count') and version_number = 2 and not is_followed
"""
"""Movements that the state does not follow: of the two versions of a contradiction, the later lost."""


def accounts(movements: pl.DataFrame, outweighed: pl.DataFrame) -> pl.DataFrame:
    """One row per movement that the state follows: the place that it takes the unit from and the one that it brings it to."""
    is_held = pl.col("unit_state").is_in(HELD) & pl.col("site_id").is_not_null()
    ordered = movements.join(outweighed, on="movement_id", how="anti").sort(*UNIT, "sequence_number").with_columns(is_held=is_held)
    before = {f"{name}_before": pl.col(name).shift(1).over(UNIT) for name in (*PLACE, "unit_state", "is_held")}
    return ordered.with_columns(day=pl.col("moved_at").dt.date(), **before).with_columns(pl.col("is_held_before").fill_null(value=False))


def booked(accounted: pl.DataFrame) -> pl.DataFrame:
    """Receipts (1) and issues (-1) by article, place and day."""
    receipts = accounted.filter("is_held").select("article_id", *PLACE, "day", units=pl.lit(1, pl.Int64))
    issues = accounted.filter("is_held_before").select(
        "article_id", *(pl.col(f"{name}_before").alias(name) for name in PLACE), "day", units=pl.lit(-1, pl.Int64)
    )
    return pl.concat([receipts, issues]).with_columns(pl.col("stock_type_code", "special_stock_code").fill_null(""))


def stock_now(accounted: pl.DataFrame) -> pl.DataFrame:
    """Receipts less issues by article and place, where anything is left."""
    return booked(accounted).group_by("article_id", *PLACE).agg(pl.col("units").sum()).filter(pl.col("units") != 0)


def stock_by_day(accounted: pl.DataFrame, last_day: date) -> pl.DataFrame:
    """Receipts less issues up to each day, by article, site, stock type, special stock and day, where anything is left."""
    bookings = booked(accounted).group_by(*DAILY, "day").agg(pl.col("units").sum()).sort(*DAILY, "day")
    standing = bookings.with_columns(pl.col("units").cum_sum().over(DAILY), until=pl.col("day").shift(-1).over(DAILY))
    ends = pl.col("until").fill_null(last_day + pl.duration(days=1))
    spread = standing.filter(pl.col("day") < ends).with_columns(stock_date=pl.date_ranges("day", ends, closed="left"))
    return spread.explode("stock_date").filter(pl.col("units") != 0, pl.col("stock_date") <= last_day).select(*DAILY, "stock_date", "units")


def unaccounted(accounted: pl.DataFrame) -> pl.DataFrame:
    """Movements whose document takes the unit from another site or storage location than it lay at, and that carry no conflict."""
    other_site = pl.col("from_site_id").ne_missing(pl.col("site_id_before")) & pl.col("from_site_id").is_not_null()
    other_location = (pl.col("from_storage_location_id") != pl.col("storage_location_id_before")).fill_null(value=False)
    in_stock = pl.col("unit_state_before") == "in_stock"
    return accounted.filter(pl.col("conflict_code").is_null(), pl.col("is_held_before"), other_site | (other_location & in_stock))
