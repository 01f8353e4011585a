"""Shown: the answer to a recall as a person reads it in a terminal.

Laying out an answer belongs here; the answer does not (recalling.py). The words are explained in RECALL.md.
"""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl
from rich.console import Console

from pipelines.recall.recalling import PLACE_CODES, Recalled
from pipelines.summary import table_of

__all__ = ["show_recall"]

_REASONS = {
    "anonymous_sale": "sold without a customer number: look for the payment of the receipt",
    "no_sale_known": "with a customer, but no sale is known",
    "no_master_data": "customer number unknown to master data",
    "returned_since": "brought everything back: nothing to do",
}


def show_recall(console: Console, done: Recalled) -> None:
    """Units by place, contacts by reason, what is beside the recall, and the files."""
    found = done.summary
    console.print(f"[bold]{found['recall_name']}[/bold] as of {found['as_of_date']}: {found['units']:,} units", soft_wrap=True)
    if found["reason"]:
        console.print(found["reason"], markup=False)
    console.print(table_of("Where they are", _by_place(done.units)))
    console.print(table_of("Whom to reach", _by_reason(done.contacts), empty="no unit was ever sold"))
    console.print(table_of("Beside it", _beside(found)))
    for file in done.files:
        console.print(f"outbox/{file}", soft_wrap=True, markup=False)


def _by_place(units: pl.DataFrame) -> pl.DataFrame:
    counted = units.group_by("place_code", "site_id").agg(units=pl.len(), blocked=(pl.col("block_code") == "proposed").sum())
    order = pl.col("place_code").replace_strict({code: at for at, code in enumerate(PLACE_CODES)}, return_dtype=pl.Int64)
    return counted.sort(order, "site_id").select(
        place="place_code", site=pl.col("site_id").fill_null(""), units="units", **{"block proposed": "blocked"}
    )


def _by_reason(contacts: pl.DataFrame) -> pl.DataFrame:
    what = pl.col("reason_code").replace_strict(_REASONS, default="to contact", return_dtype=pl.String)
    counted = contacts.group_by(what.alias("what")).agg(contacts=pl.len(), units=pl.col("units").sum())
    return counted.sort("what", descending=True)


def _beside(found: Mapping[str, object]) -> pl.DataFrame:
    scopes = (
        ("recalled", "units", "recall_amount"),
        ("of the same batches, not recalled", "units_same_batch", "same_batch_amount"),
        ("of the same articles, not recalled", "units_same_article", "same_article_amount"),
    )
    rows = [{"scope": text, "units": f"{found[units]:,}", "purchase value": _money(found, amount)} for text, units, amount in scopes]
    return pl.DataFrame(rows)


def _money(found: Mapping[str, object], amount: str) -> str:
    return "" if found[amount] is None else f"{found[amount]:,.2f} {found['currency_code']}"
