"""Journal: the valued lines of one file as rows of PeopleSoft's flat journal import: H header, L line, C control total.

How the rows look belongs here; accounts do not (peoplesoft.yaml), nor does what a unit is worth (lines.py). Every line is two rows,
stock account and offset account, so that each journal balances. The same lines and settings give the same bytes.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from decimal import Decimal
from io import StringIO

import polars as pl

from pipelines.feeds.settings import FeedSettings

__all__ = ["journal_bytes"]

_HEADER = ("H", "BUSINESS_UNIT", "JOURNAL_ID", "JOURNAL_DATE", "LEDGER_GROUP", "SOURCE", "CURRENCY_CD", "DESCR")
_LINE = (
    "L", "BUSINESS_UNIT", "JOURNAL_LINE", "LEDGER", "ACCOUNT", "MONETARY_AMOUNT", "FOREIGN_CURRENCY", "STATISTIC_AMOUNT", "JRNL_LN_REF",
    "LINE_DESCR", "INV_ITEM_ID", "SERIAL_ID", "VALUATION",
)  # fmt: skip
_TOTAL = ("C", "BUSINESS_UNIT", "JOURNAL_ID", "CURRENCY_CD", "LINES", "UNITS", "DEBITS", "CREDITS", "UNITS_WITHOUT_VALUE")

_VALUATIONS = {"none": "NO PRICE KNOWN", "purchase_order": "PURCHASE ORDER", "standard_price": "STANDARD PRICE"}


def journal_bytes(lines: pl.DataFrame, settings: FeedSettings) -> bytes:
    """The journals of one file's lines, which have the columns of SENT_SCHEMA: one per business unit and currency; UTF-8.

    A unit whose price nobody knows has blank amounts, and stands in the journal of the base currency.
    """
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["#", lines["feed_key"][0]])
    writer.writerows(("#", *names) for names in (_HEADER, _LINE, _TOTAL))
    of_journal = lines.with_columns(pl.col("currency_code").fill_null(settings.base_currency)).sort(
        "business_unit", "currency_code", "movement_type", "document_id", "article_id", "serial_number", "leg_name", "document_item",
        "movement_id", "is_taken_back", nulls_last=True,
    )  # fmt: skip
    currencies = of_journal["currency_code"].unique().sort().to_list()
    for (unit, currency), journal in of_journal.group_by("business_unit", "currency_code", maintain_order=True):
        writer.writerows(_rows(journal, settings, unit=unit, currency=currency, number=currencies.index(currency)))
    return text.getvalue().encode()


def _rows(journal: pl.DataFrame, settings: FeedSettings, *, unit: str, currency: str, number: int) -> Iterator[tuple]:
    day, revision = journal["business_date"][0], journal["revision_number"][0]
    # Ten characters: day, revision, currency; with the business unit they are a journal's key.
    journal_id = f"S{day:%y%m%d}{revision:02}{number}"
    head = (journal_id, f"{day:%m%d%Y}", settings.ledger_group, settings.journal_source, currency, journal["feed_key"][0])
    yield ("H", unit, *head)
    entries = _entries(journal)
    for row in entries.iter_rows(named=True):
        yield (
            "L", unit, row["journal_line"], settings.ledger, row["account"], row["monetary_amount"], currency, row["statistic_amount"],
            row["movement_type"], row["document_id"], row["article_id"], row["serial_number"], row["valuation"],
        )  # fmt: skip
    amounts = entries["monetary_amount"]
    debits, credits_ = (amounts.filter(side).sum() or Decimal("0.00") for side in (amounts > 0, amounts < 0))
    unvalued = journal["unit_cost"].null_count()
    yield ("C", unit, journal_id, currency, entries.height, journal["quantity"].sum(), debits, -credits_, unvalued)


def _entries(journal: pl.DataFrame) -> pl.DataFrame:
    """Two entries for each line, numbered: the stock account with the units, and the offset account with the opposite amount."""
    amount = pl.col("quantity") * pl.col("unit_cost")
    numbered = journal.with_row_index("at")
    stock = numbered.with_columns(account=pl.col("account_code"), monetary_amount=amount, statistic_amount=pl.col("quantity"), side=0)
    offset = numbered.with_columns(
        account=pl.col("offset_account_code"), monetary_amount=-amount, statistic_amount=pl.lit(None, dtype=pl.Int64), side=1
    )
    both = pl.concat([stock, offset], how="vertical_relaxed").sort("at", "side").with_row_index("journal_line", offset=1)
    return both.with_columns(valuation=pl.col("valuation_source").replace_strict(_VALUATIONS))
