"""Intraday: the tables of what changed since the night, and the live views, in their place in the graph.

The intraday run writes them, in a code location of its own (pipelines/intraday_definitions.py), and so does a publication. What they
hold is explained in pipelines/intraday/INTRADAY.md.
"""

import dagster as dg

from pipelines.contracts import published_contracts
from pipelines.defs.specs import published_spec

CHANGED, VIEWS = published_contracts(written_by="intraday"), published_contracts(written_by="view")
_READ = {
    "serials_live": ("serials", "changed_units", "changed_serials"),
    "serial_movements_live": ("serial_movements", "changed_units", "changed_serial_movements"),
    "stock_live": ("stock_current", "changed_stock", "rollout_sites"),
}


@dg.definitions
def defs() -> dg.Definitions:
    """One asset per table, which no job of this location writes."""
    read = [["manifest"], *(["gold", name] for name in ("serial_records", "serials", "articles", "article_values", "stock_current"))]
    changed = [published_spec(contract, read, "duckdb") for contract in CHANGED.values()]
    views = [published_spec(contract, (["gold", name] for name in _READ[contract.name]), "duckdb") for contract in VIEWS.values()]
    return dg.Definitions(assets=[*changed, *views])
