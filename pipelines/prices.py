"""Prices: what a unit was bought for, or is valued at, as the ERP's order items and valuation segments tell.

Reading prices belongs here, for all who put a value on units. The columns are explained in data_contracts/sources/sap/ekpo.odcs.yaml
and data_contracts/published/shared/article_values.odcs.yaml.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from pipelines.lake import Lake

__all__ = ["Prices", "order_prices", "read_prices", "standard_prices"]


@dataclass(frozen=True)
class Prices:
    """What units are worth: by purchase order and article, else by site and article."""

    orders: pl.DataFrame
    standard: pl.DataFrame
    base_currency: str

    def of(self, rows: pl.DataFrame) -> pl.DataFrame:
        """The rows, which name article, purchase order and site, with `unit_cost` and its currency; null where nobody knows."""
        joined = rows.join(self.orders, left_on=["purchase_order_id", "article_id"], right_on=["order_id", "article_id"], how="left",
                           maintain_order="left")  # fmt: skip
        joined = joined.join(self.standard, on=["site_id", "article_id"], how="left", maintain_order="left")
        is_bought = pl.col("order_price").is_not_null() & pl.col("order_currency").is_not_null()
        currency = pl.when(is_bought).then("order_currency").when(pl.col("standard_price").is_not_null()).then(pl.lit(self.base_currency))
        cost = pl.when(is_bought).then("order_price").otherwise("standard_price").cast(pl.Decimal(18, 2))
        return joined.with_columns(unit_cost=cost, currency_code=currency)


def read_prices(lake: Lake, *, base_currency: str) -> Prices:
    """All prices as delivered last; standard prices are in the base currency."""
    return Prices(order_prices(lake), standard_prices(lake), base_currency)


def order_prices(lake: Lake) -> pl.DataFrame:
    """One row per purchase order and article: `order_price`, net, and `order_currency`, as delivered last.

    A price of zero, as of stock transfers, is none.
    """
    items = _newest(lake, "sap/ekpo", ["ebeln", "matnr", "netpr"], key=["ebeln", "matnr"])
    orders = _newest(lake, "sap/ekko", ["ebeln", "waers"], key=["ebeln"])
    priced = items.join(orders, on="ebeln", how="left").filter(pl.col("netpr") > 0)
    return priced.select(order_id="ebeln", article_id=_article("matnr"), order_price="netpr", order_currency="waers")


def standard_prices(lake: Lake) -> pl.DataFrame:
    """One row per site and article: `standard_price`, or the moving average where the article has that, as published."""
    schema = {"site_id": pl.String(), "article_id": pl.String(), "standard_price": pl.Decimal(18, 2)}
    if not lake.exists("gold/article_values"):
        return pl.DataFrame(schema=schema)
    found = lake.read("gold/article_values").filter(pl.col("valuation_type").is_null())
    return found.select(site_id="valuation_area_id", article_id="article_id", standard_price="unit_price")


def _newest(lake: Lake, table: str, columns: list[str], *, key: list[str]) -> pl.DataFrame:
    rows = lake.read(f"bronze/{table}", [*columns, "_ingested_at", "_line"])
    return rows.sort("_ingested_at", "_line").unique(key, keep="last", maintain_order=True).select(columns)


def _article(column: str) -> pl.Expr:
    """As dbt's macro without_leading_zeros reads an article number."""
    text = pl.col(column).str.strip_chars()
    return pl.when(text.str.contains(r"^\d+$")).then(text.str.strip_chars_start("0")).otherwise(text.str.to_uppercase())
