"""Statuses: status records of a flat file become one record each; they tell what became of IDocs that were sent before.

Only the rows belong here; where status records stand in a file is told in flat.py. The columns are explained in
data_contracts/sources/sap/idoc_statuses.odcs.yaml.
"""

from __future__ import annotations

import polars as pl

from pipelines.contracts import Contract
from pipelines.sources.conversion import gathered
from pipelines.sources.idoc.rows import Rows
from pipelines.sources.idoc.tree import STATUS, Idoc, Segment

__all__ = ["Statuses"]


class Statuses:
    """Collects status records. Grain of the records: one per status record."""

    labels: dict[str, str] = {}

    def __init__(self, contract: Contract) -> None:
        """Collect for this contract."""
        self.contract = contract
        self._rows = Rows(STATUS, [column.name for column in contract.columns])

    def add(self, idoc: Idoc) -> int:
        """Take status records. Returns the records they make."""
        segments = [segment for segment in idoc.segments if segment.name == STATUS] or [Segment(STATUS, idoc.line, {})]
        fields, lines = [segment.fields for segment in segments], [segment.line for segment in segments]
        self._rows.add(fields, idoc=idoc.key, parents=[0] * len(fields), first=1, lines=lines)
        return len(fields)

    def records(self) -> dict[str, pl.DataFrame]:
        """All records by table, as `conversion.gathered` gives them."""
        rows = self._rows.judged(self.contract.columns)
        names = [column.name for column in self.contract.columns]
        return {self.contract.table: gathered({"row": (rows, pl.int_range(rows.height, eager=True))}, names)}
