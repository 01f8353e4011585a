"""Columns: what a recall's condition can speak of, and the published table that each comes from.

The list of columns belongs here, and the joins that they need: a table that a condition does not name is not read. What is done with
the units that match does not (answers.py). RECALL.md shows the same list.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

__all__ = ["UNIT_COLUMNS", "UnitColumn", "matching_units"]


@dataclass(frozen=True)
class UnitColumn:
    """One column of recallable units: the published table and column it comes from, and what it means."""

    table: str
    column: str
    meaning: str


_SERIALS = {
    "article_id": "Article number, without leading zeros.",
    "article_name": "Article description.",
    "serial_number": "Serial number, without leading zeros where it is all digits.",
    "batch_id": "Batch in stock.",
    "master_batch_id": "Batch in the equipment master.",
    "valuation_type": "Valuation type, for example NEW or USED.",
    "equipment_id": "The ERP's equipment number.",
    "unit_state": "State in the ledger, for example in_stock or with_customer.",
    "site_id": "Site where it is now.",
    "storage_location_id": "Storage location where it is now.",
    "stock_type_code": "Stock type, for example 01 unrestricted, 07 blocked.",
    "special_stock_code": "Special stock.",
    "last_movement_date": "Day of its last movement.",
}
_ARTICLES = {
    "generic_article_id": "Generic article, of which the article is a variant.",
    "manufacturer_id": "Manufacturer.",
    "merchandise_category_code": "Merchandise category.",
    "gtin_code": "GTIN.",
    "color_name": "Colour.",
    "storage_size_name": "Storage size.",
}
_ORIGINS = {
    "supplier_id": "Vendor who supplied it.",
    "purchase_order_id": "Purchase order it was bought with.",
    "delivery_id": "Delivery it first came in.",
    "received_date": "Day of its first receipt.",
    "received_site_id": "Site of its first receipt.",
}
_TRAITS = {
    "handling_unit_id": ("handling_unit", "A handling unit (SSCC) that it was ever packed in."),
    "component_name": ("component", "A component that was ever in it: its kind, or article/serial number, or article/lot."),
    "production_week": ("production_week", "Week of production as yyyyww, where readings tell it."),
}

UNIT_COLUMNS: dict[str, UnitColumn] = {
    **{name: UnitColumn("serials", name, meaning) for name, meaning in _SERIALS.items()},
    **{name: UnitColumn("articles", name, meaning) for name, meaning in _ARTICLES.items()},
    **{name: UnitColumn("unit_origins", name, meaning) for name, meaning in _ORIGINS.items()},
    **{name: UnitColumn("unit_traits", trait, meaning) for name, (trait, meaning) in _TRAITS.items()},
}
"""Name in a condition -> where it comes from. A unit has several rows in unit_traits: it matches by any of them."""

_UNIT = "{table}.article_id = serials.article_id and {table}.serial_number = serials.serial_number"
_JOINS = {"articles": "articles.article_id = serials.article_id", "unit_origins": _UNIT.format(table="unit_origins")}
_KEPT = (
    "article_id", "serial_number", "article_name", "unit_state", "site_id", "storage_location_id", "stock_type_code", "special_stock_code",
    "batch_id", "valuation_type", "vendor_id", "customer_id", "last_movement_date",
)  # fmt: skip
"""Columns of serials that the answers need."""


def matching_units(condition: str, columns: Collection[str]) -> str:
    """SELECT of the units for which the condition holds, each once, with their place.

    `columns` are those that the condition names; condition and columns have to come from `condition.columns_named`.
    """
    named = {name: UNIT_COLUMNS[name] for name in sorted(columns)}
    plain = [f"{found.table}.{found.column} as {name}" for name, found in named.items() if found.table in _JOINS]
    traits = [f"{name}.trait_value as {name}" for name, found in named.items() if found.table == "unit_traits"]
    selected = [*(f"serials.{name}" for name in dict.fromkeys((*_KEPT, *_of_serials(named)))), *plain, *traits]
    joins = [f"left join {table} on {on}" for table, on in _JOINS.items() if any(found.table == table for found in named.values())]
    joins += [
        f"left join (select * from unit_traits where trait_code = '{found.column}') as {name} on {_UNIT.format(table=name)}"
        for name, found in named.items()
        if found.table == "unit_traits"
    ]
    kept = ", ".join(f"units.{name}" for name in _KEPT)
    inner = f"select {', '.join(selected)} from serials {' '.join(joins)}"
    return f"select {'distinct ' if traits else ''}{kept} from ({inner}) as units where ({condition}\n)"


def _of_serials(named: Collection[str]) -> list[str]:
    return [name for name in named if UNIT_COLUMNS[name].table == "serials"]
