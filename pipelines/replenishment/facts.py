"""Facts: what replenishment looks at, read from the published file in one go.

Reading belongs here; what follows from it does not (planning.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import polars as pl

from pipelines.contracts import published_contracts
from pipelines.home import Home
from pipelines.publish import published_versions
from pipelines.warehouse import query

__all__ = ["NEEDED", "Facts", "read_facts"]

NEEDED = (
    "demand_forecasts",
    "sales_daily",
    "stock_current",
    "bulk_stock",
    "in_transit",
    "deliveries",
    "articles",
    "sites",
    "article_values",
    "serials",
    "serial_movements",
    "stock_rules",
)
"""Published tables that are read."""
_ADDED_LATER = {"stock_rules"}
"""Those that a file published by an earlier version lacks."""


@dataclass(frozen=True)
class Facts:
    """Frames of the published tables, in units and money, all of one publication."""

    as_of: date
    model_version: str
    forecasts: pl.DataFrame
    """article_id, site_id, lead, expected_units."""
    sales: pl.DataFrame
    """article_id, site_id, ds, y, is_stock_out, amount: a row per day that sold or had stock, up to the last day observed."""
    stock: pl.DataFrame
    """article_id, site_id, on_hand_units (that can be sold), in_transit_units (not overdue)."""
    units: pl.DataFrame
    """Units that may be moved: article_id, site_id, serial_number, storage_location_id, batch_id, valuation_type, since_date."""
    deliveries: pl.DataFrame
    articles: pl.DataFrame
    """article_id, article_name, launch_date, unit_value (by valuation; null where there is none)."""
    sites: pl.DataFrame
    """site_id, site_kind, is_held."""
    rules: pl.DataFrame
    """The table stock_rules."""


def read_facts(home: Home) -> Facts | None:
    """The facts of today; None where nothing is forecast or published yet."""
    there = published_versions(home).keys()
    if not there >= {*NEEDED} - _ADDED_LATER:
        return None
    forecasts = query(
        home.published,
        """
        select
            article_id, site_id, lead_time_days as lead, expected_units, model_version, features_as_of_date
        from demand_forecasts order by all
        """,
    )
    if forecasts.is_empty():
        return None
    as_of = forecasts["features_as_of_date"][0]
    return Facts(
        as_of=as_of,
        model_version=forecasts["model_version"][0],
        forecasts=forecasts.drop("model_version", "features_as_of_date"),
        sales=query(home.published, _SALES, [as_of]),
        stock=query(home.published, _STOCK),
        units=query(home.published, _UNITS),
        deliveries=query(home.published, _DELIVERIES),
        articles=query(home.published, _ARTICLES),
        sites=query(home.published, _SITES),
        rules=query(home.published, "from stock_rules order by all") if "stock_rules" in there else _no_rules(),
    )


def _no_rules() -> pl.DataFrame:
    return pl.DataFrame(schema=published_contracts()["stock_rules"].polars_schema)


_SALES = """
select
    article_id, site_id, sales_date as ds, cast(units_sold as double) as y, is_stock_out, cast(sales_amount as double) as amount
from sales_daily
where sales_date <= ?
order by all
"""

# What a customer can buy: own unrestricted stock, counted by units, or in bulk where units have no serial numbers.
_STOCK = """
with held as (
    select article_id, site_id, sum(units) as units from stock_current
    where stock_type_code = '01' and special_stock_code is null and site_id is not null group by all
    union all
    select article_id, site_id, sum(bulk_quantity) as units from bulk_stock
    where stock_type_code = '01' and special_stock_code is null and site_id is not null group by all
),

coming as (
    select article_id, to_site_id as site_id, sum(unit_quantity) as units from in_transit
    where overdue_days = 0 and to_site_id is not null group by all
),

places as (
    select article_id, site_id, sum(units) as on_hand, 0 as coming from held group by all
    union all
    select article_id, site_id, 0 as on_hand, units as coming from coming
)

select
    article_id, site_id, cast(greatest(sum(on_hand), 0) as bigint) as on_hand_units, cast(sum(coming) as bigint) as in_transit_units
from places group by all order by all
"""

_UNITS = """
select
    article_id, site_id, serial_number, storage_location_id, batch_id, valuation_type, valid_from_date as since_date
from serials
where unit_state = 'in_stock' and stock_type_code = '01' and special_stock_code is null and not has_conflict and site_id is not null
order by all
"""

_DELIVERIES = """
select
    delivery_id, delivery_type, vendor_id, from_site_id, received_site_id, goods_issue_actual_at, goods_issue_planned_at,
    first_received_at
from deliveries where first_received_at is not null order by all
"""

_ARTICLES = """
select
    articles.article_id, articles.article_name, articles.launch_date,
    cast(valued.unit_value as double) as unit_value
from articles
left join (
    select article_id, avg(unit_price) as unit_value from article_values where valuation_type is null or valuation_type = 'NEW' group by all
) as valued on articles.article_id = valued.article_id
order by all
"""

_SITES = """
select
    sites.site_id, sites.site_kind, coalesce(held.is_held, false) as is_held
from sites
left join (select site_id, bool_or(is_site_held) as is_held from stock_current group by all) as held on sites.site_id = held.site_id
order by all
"""
