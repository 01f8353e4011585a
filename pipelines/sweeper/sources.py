"""Sources: what a sweep looks at, read from the published facts and the lake.

Reading belongs here; what follows from it does not (cases.py).
"""

from __future__ import annotations

import json
from datetime import date

import polars as pl

from pipelines.home import Home
from pipelines.lake import Lake
from pipelines.prices import Prices
from pipelines.warehouse import query

__all__ = ["UNIT_KEY", "as_of_date", "freight_claims", "logged_lines", "posted_units", "valued"]

UNIT_KEY = ["case_id", "role_code", "article_id", "serial_number"]
_ERP_SOURCES = ("sap", "sap_tables", "s4", "tryton", "tabular")
"""Sources that speak for the ERP; a scan alone posts nothing."""
_LINES = pl.List(pl.Struct({**dict.fromkeys([*UNIT_KEY[1:], "movement_type", "reference"], pl.String), "step": pl.Int64}))


def as_of_date(home: Home, units: pl.DataFrame) -> date | None:
    """Newest business day of the published facts, which every unit of a case tells; None where there are none yet."""
    sql = "select cast(least(max(moved_at), max(ingested_at)) as date) as day from serial_movements"
    return units["as_of_date"][0] if units.height else query(home.published, sql).item()


def logged_lines(log: pl.DataFrame) -> pl.DataFrame:
    """One row per unit and movement in the log, of each case the newest step: case, unit, movement type, reference, order of posting."""
    newest = log.sort("step").unique("case_id", keep="first") if log.height else log
    lines = [{"case_id": case_id, "lines": json.loads(facts)["lines"]} for case_id, facts in newest.select("case_id", "facts").iter_rows()]
    return pl.DataFrame(lines, schema={"case_id": pl.String, "lines": _LINES}).explode("lines").drop_nulls("lines").unnest("lines")


def posted_units(home: Home, lines: pl.DataFrame) -> pl.DataFrame:
    """The units of which all movements that were proposed have come from the ERP, with the day and the documents.

    `lines` are those of `logged_lines`. Bulk has no unit that could be followed.
    """
    units = lines.filter(pl.col("serial_number") != "")
    schema = {**dict.fromkeys(UNIT_KEY, pl.String), "posted_date": pl.Date, "posted_by": pl.String}
    if units.is_empty():
        return pl.DataFrame(schema=schema)
    sql = """
        select article_id, serial_number, document_id as reference, movement_type, min(movement_date) as movement_date
        from serial_movements
        where
            serial_number in (select unnest(?::varchar[]))
            and list_has_any(string_split(witness_names, ','), ?::varchar[])
        group by all
    """
    found = query(home.published, sql, [units["serial_number"].unique().to_list(), list(_ERP_SOURCES)])
    joined = units.join(found, on=["article_id", "serial_number", "reference", "movement_type"], how="left")
    return (
        joined.group_by(UNIT_KEY)
        .agg(
            is_whole=pl.col("movement_date").is_not_null().all(),
            posted_date=pl.col("movement_date").max(),
            posted_by=pl.col("reference").unique().sort().str.join(", "),
        )
        .filter("is_whole")
        .select(*schema)
    )


def valued(home: Home, units: pl.DataFrame, prices: Prices) -> pl.DataFrame:
    """The units with `unit_cost` and `currency_code`: by the order that each was bought with, else at the price of the site."""
    sql = """
        select article_id, serial_number, purchase_order_id as bought_by
        from unit_origins where serial_number in (select unnest(?::varchar[]))
    """
    bought = query(home.published, sql, [units["serial_number"].unique().to_list()])
    rows = units.select(*UNIT_KEY, "purchase_order_id", site_id="to_site_id").join(
        bought, on=["article_id", "serial_number"], how="left", maintain_order="left"
    )
    priced = prices.of(rows.with_columns(purchase_order_id=pl.coalesce("bought_by", "purchase_order_id")))
    return units.join(priced.select(*UNIT_KEY, "unit_cost", "currency_code"), on=UNIT_KEY, how="left", maintain_order="left")


def freight_claims(lake: Lake, units: pl.DataFrame) -> pl.DataFrame:
    """One row per case of which a freight claim names a unit: the first claim by number."""
    if not lake.exists("bronze/carrier/freight_claims"):
        return pl.DataFrame(schema={"case_id": pl.String, "claim_id": pl.String})
    claims = lake.read("bronze/carrier/freight_claims", ["claim_number", "delivery_number", "article", "serial_number"])
    named = claims.select(
        claim_id="claim_number",
        delivery_id=pl.col("delivery_number").str.strip_chars_start("0"),
        article_id=pl.col("article").str.strip_chars_start("0"),
        serial_number="serial_number",
    )
    missing = units.filter(pl.col("role_code") == "missing").select("case_id", "delivery_id", "article_id", "serial_number")
    return missing.join(named, on=["delivery_id", "article_id", "serial_number"]).group_by("case_id").agg(pl.col("claim_id").min())
