"""Recalls: the tables that `serialake recall` fills, in their place in the graph.

A recall is asked for by a person, so no job makes these. What they hold is explained in pipelines/recall/RECALL.md.
"""

import dagster as dg

from pipelines.contracts import published_contracts
from pipelines.defs.bronze import column_schema

_READ = ("articles", "customers", "serial_movements", "serials", "unit_origins", "unit_traits")


@dg.definitions
def defs() -> dg.Definitions:
    """One asset per table of recalls, which nothing but the command writes."""
    return dg.Definitions(
        assets=[
            dg.AssetSpec(
                ["gold", name],
                deps=[*(["gold", table] for table in _READ), ["bronze", "quality", "recall_notices"]],
                group_name=contract.domain,
                description=f"{contract.grain} {contract.description}",
                owners=[f"team:{contract.domain}"],
                kinds={"polars", "deltalake"},
                metadata={"dagster/column_schema": column_schema(contract)},
            )
            for name, contract in published_contracts(written_by="recall").items()
        ]
    )
