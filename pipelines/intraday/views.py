"""Views: the live tables of the published file, each the facts of the night with what changed since laid over.

They hold no rows of their own, so that a new file of views is all that a publication costs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from pipelines.contracts import Contract

__all__ = ["live_views"]


def live_views(contracts: Mapping[str, Contract]) -> dict[str, str]:
    """SQL of each live view by name, of those that the contracts name."""
    made = {"serials_live": _units("serials"), "serial_movements_live": _units("serial_movements"), "stock_live": lambda _: _STOCK}
    return {name: sql(contracts[name]) for name, sql in made.items() if name in contracts}


def _units(facts: str) -> Callable[[Contract], str]:
    """Rows of unchanged units as published, and those of changed units as they are now."""

    def sql(contract: Contract) -> str:
        columns = ", ".join(c.name for c in contract.columns)
        same = " and ".join(f"{facts}.{name} = changed_units.{name}" for name in ("serial_number", "article_id"))
        of_facts = ", ".join(f"{facts}.{c.name}" for c in contract.columns)
        return f"select {of_facts} from {facts} anti join changed_units on {same} union all select {columns} from changed_{facts}"

    return sql


_KEY = "site_id, storage_location_id, article_id, stock_type_code, special_stock_code, valuation_type"
_TOLD = "article_name, stock_type_name, trust_level"
_STOCK = f"""
    select
        both_sides.site_id,
        storage_location_id,
        article_id,
        max(article_name) as article_name,
        stock_type_code,
        max(stock_type_name) as stock_type_name,
        special_stock_code,
        valuation_type,
        max(trust_level) as trust_level,
        cast(sum(units) as integer) as units,
        cast(sum(units_with_conflict) as integer) as units_with_conflict,
        coalesce(bool_or(rollout_sites.is_held), false) as is_site_held
    from (
        select {_KEY}, {_TOLD}, units, units_with_conflict from stock_current
        union all
        select {_KEY}, {_TOLD}, units_change, units_with_conflict_change from changed_stock
    ) as both_sides
    left join rollout_sites on both_sides.site_id = rollout_sites.site_id
    group by both_sides.site_id, storage_location_id, article_id, stock_type_code, special_stock_code, valuation_type
    having sum(units) <> 0
"""
