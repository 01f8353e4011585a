"""Lines that are due: every unit that came to, or left, stock on hand on a business day, with what it is worth.

Turning published movements into lines belongs here; what of them was sent already does not (sent.py). A movement is up to two
lines, one where it takes a unit from stock on hand, one where it adds it, so that all lines of all days add up to the stock.
"""

from __future__ import annotations

from datetime import date

import polars as pl

from pipelines.feeds.settings import FeedSettings
from pipelines.home import Home
from pipelines.lake import Lake
from pipelines.prices import order_prices, standard_prices
from pipelines.warehouse import query

__all__ = ["FACTS", "LINE_SCHEMA", "due_lines", "movement_days"]

LINE_SCHEMA: dict[str, pl.DataType] = {
    "kind_name": pl.String(),
    "business_date": pl.Date(),
    "movement_id": pl.String(),
    "leg_name": pl.String(),
    "article_id": pl.String(),
    "serial_number": pl.String(),
    "site_id": pl.String(),
    "storage_location_id": pl.String(),
    "movement_type": pl.String(),
    "document_id": pl.String(),
    "document_item": pl.String(),
    "purchase_order_id": pl.String(),
    "vendor_id": pl.String(),
    "quantity": pl.Int64(),
    "unit_cost": pl.Decimal(18, 2),
    "currency_code": pl.String(),
    "valuation_source": pl.String(),
    "business_unit": pl.String(),
    "account_code": pl.String(),
    "offset_account_code": pl.String(),
}

FACTS = tuple(LINE_SCHEMA)[:13]
"""Columns by which two lines are the same fact: what a line is worth, and how it is mapped, may change without one."""

_LEGS = """
with touched as (
    select distinct article_id, serial_number from serial_movements where movement_date between $1 and $2
),
histories as (
    select
        moves.*,
        lag(moves.unit_state) over history as state_before,
        lag(moves.to_site_id) over history as site_before,
        lag(moves.to_storage_location_id) over history as storage_location_before
    from serial_movements as moves
    semi join touched on touched.article_id = moves.article_id and touched.serial_number = moves.serial_number
    window history as (partition by moves.article_id, moves.serial_number order by moves.sequence_number)
),
bought as (
    select
        article_id,
        serial_number,
        arg_min(purchase_order_id, sequence_number) as bought_with_id
    from histories
    where movement_type in ('101', '103', '107') and state_before is distinct from 'in_transit'
    group by article_id, serial_number
),
legs as (
    select *, 'out' as leg_name, -1 as quantity, site_before as leg_site_id, storage_location_before as leg_storage_location_id
    from histories
    where state_before = 'in_stock'
    union all by name
    select *, 'in' as leg_name, 1 as quantity, to_site_id as leg_site_id, to_storage_location_id as leg_storage_location_id
    from histories
    where unit_state = 'in_stock'
)
select
    legs.movement_date as business_date, legs.movement_id, legs.leg_name, legs.article_id, legs.serial_number,
    legs.leg_site_id as site_id, legs.leg_storage_location_id as storage_location_id, legs.movement_type, legs.document_id,
    legs.document_item, legs.purchase_order_id, legs.vendor_id, legs.quantity, bought.bought_with_id,
    legs.state_before is distinct from 'in_transit' and legs.state_before is distinct from 'in_stock' as is_from_outside,
    legs.leg_name = 'out' and legs.unit_state <> 'in_transit' as is_to_outside
from legs
left join bought on bought.article_id = legs.article_id and bought.serial_number = legs.serial_number
where legs.movement_date between $1 and $2
    and not (
        legs.state_before is not distinct from 'in_stock' and legs.unit_state = 'in_stock'
        and legs.site_before is not distinct from legs.to_site_id
        and legs.storage_location_before is not distinct from legs.to_storage_location_id
    )
"""


def due_lines(home: Home, lake: Lake, settings: FeedSettings, *, first_day: date, last_day: date) -> pl.DataFrame:
    """Lines of the business days, as the published tables have them now: LINE_SCHEMA, one row per kind, movement and leg."""
    legs = query(home.published, _LEGS, [first_day, last_day])
    is_receipt = (
        pl.col("movement_type").is_in(settings.purchase_order_receipt_types)
        & pl.col("purchase_order_id").is_not_null()
        & pl.when(pl.col("leg_name") == "in").then("is_from_outside").otherwise("is_to_outside")
    )
    message = pl.when(is_receipt).then(pl.lit("purchase_order_receipt")).otherwise(pl.lit("inventory_adjustment"))
    mapped = _mapped(_valued(legs.with_columns(kind_name=message), lake, settings), settings)
    # What leaves and enters one business unit by one account leaves its value where it was.
    twice = pl.len().over("movement_id", "business_unit") == 2
    journal = mapped.filter(~twice).with_columns(kind_name=pl.lit("journal"))
    lines = pl.concat([mapped, journal]).filter(pl.col("kind_name").is_in(settings.kinds))
    return lines.select(pl.col(name).cast(dtype) for name, dtype in LINE_SCHEMA.items())


def movement_days(home: Home) -> tuple[date, date] | None:
    """First and last day on which anything moved; None where nothing did."""
    first, last = query(home.published, "select min(movement_date), max(movement_date) from serial_movements").row(0)
    return None if first is None else (first, last)


def _mapped(lines: pl.DataFrame, settings: FeedSettings) -> pl.DataFrame:
    """The lines with business unit and accounts."""
    return lines.with_columns(
        business_unit=_looked_up("site_id", settings.business_units, settings.default_business_unit),
        account_code=pl.lit(settings.stock_account),
        offset_account_code=_looked_up("movement_type", settings.offset_accounts, settings.default_offset_account),
    )


def _looked_up(column: str, codes: dict[str, str], default: str) -> pl.Expr:
    return (
        pl.col(column).replace_strict(list(codes), list(codes.values()), default=default, return_dtype=pl.String)
        if codes
        else pl.lit(default)
    )


def _valued(lines: pl.DataFrame, lake: Lake, settings: FeedSettings) -> pl.DataFrame:
    """The lines with `unit_cost`, its currency, and which source knew it; `none` where no source did."""
    joined = lines.join(order_prices(lake), left_on=["bought_with_id", "article_id"], right_on=["order_id", "article_id"], how="left")
    joined = joined.join(standard_prices(lake), on=["site_id", "article_id"], how="left")
    known = {
        "purchase_order": ("order_price", pl.col("order_currency")),
        "standard_price": ("standard_price", pl.lit(settings.base_currency)),
    }
    source, currency = pl.lit("none"), pl.lit(None, dtype=pl.String)
    cost = pl.lit(None, dtype=pl.Decimal(18, 2))
    for name in reversed(settings.valuation):
        column, of_currency = known[name]
        is_known = pl.col(column).is_not_null() & of_currency.is_not_null()
        cost = pl.when(is_known).then(pl.col(column)).otherwise(cost)
        currency = pl.when(is_known).then(of_currency).otherwise(currency)
        source = pl.when(is_known).then(pl.lit(name)).otherwise(source)
    return joined.with_columns(unit_cost=cost, currency_code=currency, valuation_source=source)
