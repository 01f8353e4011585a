"""Helpers of replenishment tests: a published file of one phone in two stores and their centre, without any build."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal

from pipelines.contracts import published_contracts
from pipelines.home import Home
from pipelines.lake import Lake
from pipelines.replenishment.facts import NEEDED
from pipelines.replenishment.publishing import TABLES
from tests.unit.publishing import publish_rows

CONTRACTS = {name: contract for name, contract in published_contracts().items() if name in {*NEEDED, *TABLES}}
DAY = date(2026, 3, 20)
NOW = datetime(2026, 3, 21, 2, 30)
HISTORY_DAYS = 120


def unit(serial: str, *, site: str = "S1", since: date = date(2026, 3, 1), **more) -> dict:
    """A new unit of the phone that lies in a store."""
    return {
        "article_id": "4711", "serial_number": serial, "unit_state": "in_stock", "stock_type_code": "01", "has_conflict": False,
        "site_id": site, "storage_location_id": "0001", "batch_id": "NEW", "valuation_type": "NEW", "valid_from_date": since,
        "valid_to_date": date(9999, 12, 31), "last_movement_date": since, **more,
    }  # fmt: skip


def published(
    home: Home, *units: dict, a_day: float = 2.0, movements: list[dict] | None = None, version: str = "m1", rules: list[dict] | None = None
) -> Lake:
    """A home whose published file shows these units, two stores that sold two a day, and a forecast of as much."""
    lake = Lake(home.lake)
    days = [DAY - timedelta(days=n) for n in range(HISTORY_DAYS)]
    sites = {"S1": "store", "S2": "store", "DC01": "distribution_centre"}
    present: dict[str, int] = {}
    for each in units:
        present[each["site_id"]] = present.get(each["site_id"], 0) + 1
    rows = {
        "demand_forecasts": [
            {"article_id": "4711", "site_id": site, "forecast_date": DAY + timedelta(days=lead), "lead_time_days": lead,
             "expected_units": a_day, "model_version": version, "features_as_of_date": DAY, "scored_at": NOW}
            for site in ("S1", "S2") for lead in range(1, 29)
        ],
        "sales_daily": [
            {"article_id": "4711", "site_id": site, "sales_date": day, "units_sold": Decimal((day.toordinal() * 7 + n) % 5),
             "sales_amount": Decimal(500 * ((day.toordinal() * 7 + n) % 5)), "is_stock_out": False}
            for n, site in enumerate(("S1", "S2")) for day in days
        ],
        "stock_current": [
            {"site_id": site, "storage_location_id": "0001", "article_id": "4711", "stock_type_code": "01", "valuation_type": "NEW",
             "units": count, "is_site_held": False}
            for site, count in present.items()
        ],
        "deliveries": [
            {"delivery_id": f"{site}{n}", "article_id": "4711", "delivery_type": "NL", "from_site_id": "DC01", "received_site_id": site,
             "goods_issue_actual_at": NOW - timedelta(days=3 * n + 2), "first_received_at": NOW - timedelta(days=3 * n)}
            for site in ("S1", "S2") for n in range(12)
        ] + [
            {"delivery_id": f"V{n}", "article_id": "4711", "delivery_type": "EL", "vendor_id": "100011", "received_site_id": "DC01",
             "goods_issue_actual_at": NOW - timedelta(days=7 * n + 6), "first_received_at": NOW - timedelta(days=7 * n)}
            for n in range(5)
        ],
        "articles": [{"article_id": "4711", "article_name": "Phone", "launch_date": date(2026, 1, 2)}],
        "sites": [{"site_id": site, "site_kind": kind} for site, kind in sites.items()],
        "article_values": [{"article_id": "4711", "valuation_area_id": "S1", "is_standard_price": True, "unit_price": Decimal(400)}],
        "serials": list(units),
        "serial_movements": movements or [],
        "in_transit": [], "bulk_stock": [], "stock_rules": rules or [],
    }  # fmt: skip
    publish_rows(home, lake, CONTRACTS, rows, now=NOW)
    return lake
