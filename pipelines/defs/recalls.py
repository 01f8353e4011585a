"""Recalls: the tables that `serialake recall` fills, in their place in the graph.

A recall is asked for by a person, so no job makes these. What they hold is explained in pipelines/recall/RECALL.md.
"""

import dagster as dg

from pipelines.contracts import published_contracts
from pipelines.defs.specs import published_spec

_READ = ("articles", "customers", "serial_movements", "serials", "unit_origins", "unit_traits")


@dg.definitions
def defs() -> dg.Definitions:
    """One asset per table of recalls, which nothing but the command writes."""
    return dg.Definitions(
        assets=[
            published_spec(contract, [*(["gold", table] for table in _READ), ["bronze", "quality", "recall_notices"]])
            for contract in published_contracts(written_by="recall").values()
        ]
    )
