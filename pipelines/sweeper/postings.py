"""Postings: the goods movements that would settle a case, unit by unit.

Which movement types follow from what is proposed belongs here; what an IDoc looks like does not (pipelines/sources/idoc/proposals.py).
Actions and movement types are explained in SWEEPER.md.
"""

from __future__ import annotations

from datetime import date

import polars as pl

from pipelines.sources.idoc.proposals import FITS, REFERENCES_FIT, Proposal

__all__ = ["posting_lines", "proposals_of"]

_RECEIVED_BY = {"placement_missing": "305"}
_LINES = {
    "case_id": pl.String,
    "step": pl.Int64,
    "code": pl.String,
    "reference": pl.String,
    "posting_date": pl.Date,
    "article_id": pl.String,
    "serial_number": pl.String,
    "quantity": pl.Decimal(18, 3),
    "movement_type": pl.String,
    "site_id": pl.String,
    "storage_location_id": pl.String,
    "to_site_id": pl.String,
    "to_storage_location_id": pl.String,
    "batch_id": pl.String,
    "valuation_type": pl.String,
    "special_stock_code": pl.String,
    "vendor_id": pl.String,
    "purchase_order_id": pl.String,
    "movement_indicator": pl.String,
    "delivery_id": pl.String,
    "delivery_item": pl.String,
}
_GROUP = ["case_id", "step", "code", "reference", "posting_date"]
_ITEM = [name for name in _LINES if name not in {*_GROUP, "article_id", "serial_number", "quantity"}]


def posting_lines(units: pl.DataFrame, *, day: date) -> pl.DataFrame:
    """One row per unit and movement that is proposed for it, in the order of posting; none for actions that move nothing.

    `units` are outstanding rows of discrepancy_case_units, `day` is the business day of the proposal.
    """
    parts = [_receipts(units, day), _transfers_back(units, day), _issues(units, day), _provisions(units, day)]
    lines = pl.concat([part.select(pl.col(n).cast(t) for n, t in _LINES.items()) for part in parts])
    patterns = {**FITS, **REFERENCES_FIT}
    fits = pl.all_horizontal(pl.col(name).fill_null("").str.contains(pattern) for name, pattern in patterns.items())
    # A case is posted whole or not at all: what does not fit stands in the list alone.
    return (
        lines.with_columns(is_fit=fits)
        .filter(pl.col("is_fit").all().over("case_id"))
        .drop("is_fit")
        .sort(*_GROUP, "article_id", *_ITEM, "serial_number")
    )


def proposals_of(lines: pl.DataFrame, *, day: date) -> list[Proposal]:
    """One material document per case, step and posting date, in the order of the lines."""
    found = []
    for key, part in lines.group_by(_GROUP, maintain_order=True):
        case_id, step, code, reference, posting_date = key
        name = f"{case_id}/{step}/{posting_date}"
        found.append(Proposal(name, reference, f"Sweeper {case_id}", code, posting_date, day, part.drop(_GROUP)))
    return found


def _receipts(units: pl.DataFrame, day: date) -> pl.DataFrame:
    """101 at the receiver, or 305 where only the placement is missing.

    A receipt that was scanned is posted under the number and the day of the scanned document: it is the same receipt. What was seen at
    the receiver is received for the day after it left, since it may have been sold there.
    """
    rows = _of(units, "receive_late", "receive_and_push_back")
    is_scanned = pl.col("role_code") == "scanned"
    movement = pl.col("kind_code").replace_strict(_RECEIVED_BY, default="101", return_dtype=pl.String)
    is_seen = (pl.col("action_code") == "receive_late") & (pl.col("seen_site_id") == pl.col("to_site_id"))
    day_after = pl.min_horizontal(pl.col("departed_at").dt.date() + pl.duration(days=1), pl.lit(day))
    return rows.with_columns(
        step=1,
        code=pl.when(movement == "305").then(pl.lit("04")).otherwise(pl.lit("01")),
        reference=pl.when(is_scanned & (pl.col("document_id").str.len_chars() <= 16)).then("document_id").otherwise("case_id"),
        posting_date=pl.when(is_scanned).then("scanned_date").when(is_seen).then(day_after).otherwise(pl.lit(day)),
        movement_type=movement,
        site_id="to_site_id",
        to_site_id=pl.lit(None),
        to_storage_location_id=pl.lit(None),
        special_stock_code=pl.lit(None),
        movement_indicator=pl.when((movement == "101") & pl.col("purchase_order_id").is_not_null()).then(pl.lit("B")),
        vendor_id=pl.lit(None),
    )


def _transfers_back(units: pl.DataFrame, day: date) -> pl.DataFrame:
    """301 from the receiver, which has just received it in the books, back to the site that it never left."""
    rows = _of(units, "receive_and_push_back")
    return _without_order(rows).with_columns(
        step=2,
        code=pl.lit("04"),
        reference="case_id",
        posting_date=pl.lit(day),
        movement_type=pl.lit("301"),
        site_id="to_site_id",
        to_site_id="origin_id",
        to_storage_location_id="origin_storage_location_id",
        special_stock_code=pl.lit(None),
        vendor_id=pl.lit(None),
    )


def _issues(units: pl.DataFrame, day: date) -> pl.DataFrame:
    """351 at the origin, for the day on which the goods left: before they were received."""
    rows = _of(units, "post_issue").filter(pl.col("kind_code") != "no_goods_issue")
    before = pl.col("opened_at").dt.date() - pl.duration(days=1)
    return _without_order(rows).with_columns(
        step=1,
        code=pl.lit("04"),
        reference="case_id",
        posting_date=pl.min_horizontal(pl.coalesce(pl.col("departed_at").dt.date(), before), before, pl.lit(day)),
        movement_type=pl.lit("351"),
        site_id="origin_id",
        storage_location_id="origin_storage_location_id",
        to_storage_location_id=pl.lit(None),
        special_stock_code=pl.lit(None),
        vendor_id=pl.lit(None),
    )


def _provisions(units: pl.DataFrame, day: date) -> pl.DataFrame:
    """541 into the stock provided to the repair vendor (special stock O)."""
    rows = _of(units, "provide_to_vendor")
    return _without_order(rows).with_columns(
        step=1,
        code=pl.lit("04"),
        reference="case_id",
        posting_date=pl.lit(day),
        movement_type=pl.lit("541"),
        site_id="origin_id",
        to_site_id=pl.lit(None),
        to_storage_location_id=pl.lit(None),
        special_stock_code=pl.lit("O"),
    )


def _of(units: pl.DataFrame, *actions: str) -> pl.DataFrame:
    serial = pl.col("serial_number")
    rows = units.filter(pl.col("action_code").is_in(actions) & (pl.col("origin_id").is_not_null() | pl.col("role_code").eq("scanned")))
    return rows.with_columns(serial_number=pl.when(serial != "").then(serial), quantity="unit_quantity")


def _without_order(rows: pl.DataFrame) -> pl.DataFrame:
    names = ("purchase_order_id", "movement_indicator", "delivery_id", "delivery_item")
    return rows.with_columns(pl.lit(None, pl.String).alias(name) for name in names)
