"""Sums of forecasts: levels above variant and site, and what articles are made up of, after the forecasts are published.

What is summed stands in pipelines/models/summing.py; here it gets its place in the graph.
"""

from collections.abc import Iterator

import dagster as dg

from pipelines.contracts import published_contracts
from pipelines.defs.accuracy import recent_panel
from pipelines.defs.resources import Lakehouse
from pipelines.defs.specs import published_spec
from pipelines.models.summing import NODES, SUMMED, sum_forecasts
from pipelines.models.use_cases import USE_CASES
from pipelines.params import read_params
from pipelines.progress import report
from pipelines.warehouse import install_delta_extension, query

CONTRACTS = published_contracts()
_DEMAND = USE_CASES["demand"]


@dg.multi_asset(
    name="sum_forecasts",
    specs=[published_spec(CONTRACTS[name], [["gold", _DEMAND.scored_table], _DEMAND.relation.split(".")]) for name in SUMMED],
)
def add_up(lakehouse: Lakehouse) -> Iterator[dg.MaterializeResult]:
    """Add up tonight's forecasts, so that all levels agree."""
    params = read_params()
    report("sum forecasts", 0)
    install_delta_extension()
    with lakehouse.writing() as home:
        statics = query(home.warehouse, f"select distinct unique_id, {', '.join(NODES)} from {_DEMAND.relation}")  # noqa: S608 - our own names
        recent = recent_panel(home, params.demand.shares_days)
        rows = sum_forecasts(home, lakehouse.lake(), CONTRACTS, statics, recent, params=params, now=lakehouse.now())
    for name in SUMMED:
        yield dg.MaterializeResult(asset_key=["gold", name], metadata={"dagster/row_count": rows[name]})


@dg.definitions
def summing() -> dg.Definitions:
    """Both tables, made in one step."""
    return dg.Definitions(assets=[add_up])
