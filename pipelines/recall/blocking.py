"""Blocking: the proposal that takes recalled stock off sale, as MBGMCR03 IDocs for the ERP, one file per site.

Which units can be blocked, and by which movement, belong here; what an IDoc looks like does not (pipelines/sources/idoc/proposals.py).
Movement types are explained in RECALL.md.
"""

from __future__ import annotations

from datetime import date

import polars as pl

from pipelines.recall.condition import RecallError
from pipelines.sources.idoc.proposals import FITS, Proposal, ProposalError, proposal_file

__all__ = ["block_files", "with_block"]

_MOVEMENT_TYPES = {"01": "344", "02": "350"}
"""Stock type -> movement type that takes it into blocked stock (07)."""
_ITEM = ["article_id", "storage_location_id", "batch_id", "valuation_type", "block_movement_type"]
_FITS = {**FITS, "storage_location_id": r"^.{1,4}$"}


def with_block(units: pl.DataFrame) -> pl.DataFrame:
    """The units with `block_code`, and `block_movement_type` where the proposal blocks them."""
    fits = pl.all_horizontal(pl.col(name).fill_null("").str.contains(pattern) for name, pattern in _FITS.items())
    code = (
        pl.when(pl.col("place_code") != "in_stock").then(pl.lit("not_in_stock"))
        .when(pl.col("stock_type_code") == "07").then(pl.lit("already_blocked"))
        .when(pl.col("unit_state") != "in_stock").then(pl.lit("other_stock"))
        .when(pl.col("special_stock_code").is_not_null()).then(pl.lit("other_stock"))
        .when(~pl.col("stock_type_code").is_in(list(_MOVEMENT_TYPES)).fill_null(value=False)).then(pl.lit("other_stock"))
        .when(~fits).then(pl.lit("no_idoc"))
        .otherwise(pl.lit("proposed"))
    )  # fmt: skip
    movement_type = pl.col("stock_type_code").replace_strict(_MOVEMENT_TYPES, default=None, return_dtype=pl.String)
    return units.with_columns(block_code=code).with_columns(
        block_movement_type=pl.when(pl.col("block_code") == "proposed").then(movement_type)
    )


def block_files(units: pl.DataFrame, *, name: str, day: date) -> dict[str, bytes]:
    """Content of the proposal by file name: block_<site>.xml, for the units that `with_block` proposes to block.

    Raises RecallError where our own reader does not find in a file the units that were put into it.
    """
    proposed = units.filter(pl.col("block_code") == "proposed").sort("site_id", *_ITEM, "serial_number", nulls_last=True)
    files = {}
    for (site,), of_site in proposed.group_by("site_id", maintain_order=True):
        lines = of_site.select("site_id", *_ITEM[:-1], "serial_number", movement_type="block_movement_type", quantity=pl.lit(1))
        proposal = Proposal(f"{name}/{site}", name, f"Recall {name}", "04", day, day, lines)
        try:
            files[f"block_{site}.xml"] = proposal_file([proposal], title=site)
        except ProposalError as error:
            raise RecallError(str(error)) from error
    return files
