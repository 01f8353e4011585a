"""Views: the live tables of the published file, each the facts of the night with what changed since laid over.

They hold no rows of their own, so that a new file of views is all that a publication costs.
"""

from __future__ import annotations

from collections.abc import Mapping

from pipelines.contracts import Contract

__all__ = ["live_views"]

_STOCK_KEY = ("site_id", "storage_location_id", "article_id", "stock_type_code", "special_stock_code", "valuation_type")
_STOCK_TOLD = ("article_name", "stock_type_name", "trust_level")


def live_views(contracts: Mapping[str, Contract]) -> dict[str, str]:
    """SQL of each live view by name, of those that the contracts name."""
    made = {"serials_live": _units("serials"), "serial_movements_live": _units("serial_movements"), "stock_live": _stock()}
    return {name: sql(contracts[name]) for name, sql in made.items() if name in contracts}


def _units(facts: str):
    """Rows of unchanged units as published, and those of changed units as they are now."""

    def sql(contract: Contract) -> str:
        columns = ", ".join(c.name for c in contract.columns)
        same = " and ".join(f"{facts}.{name} = changed_units.{name}" for name in ("serial_number", "article_id"))
        unchanged = f"anti join changed_units on {same}"
        of_facts = ", ".join(f"{facts}.{c.name}" for c in contract.columns)
        return f"select {of_facts} from {facts} {unchanged} union all select {columns} from changed_{facts}"

    return sql


def _stock():
    def sql(contract: Contract) -> str:
        key, told = ", ".join(_STOCK_KEY), ", ".join(_STOCK_TOLD)
        chosen = {name: f"max({name})" for name in _STOCK_TOLD} | {
            name: f"cast(sum({name}) as integer)" for name in ("units", "units_with_conflict")
        }
        columns = ", ".join(f"{chosen[c.name]} as {c.name}" if c.name in chosen else c.name for c in contract.columns)
        return (
            f"select {columns} from (select {key}, {told}, units, units_with_conflict from stock_current union all "
            f"select {key}, {told}, units_change, units_with_conflict_change from changed_stock) as both_sides "
            f"group by {key} having sum(units) <> 0"
        )

    return sql
