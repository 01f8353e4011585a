"""Headed lines: documents of one header with lines below it become one record per line.

Collecting and judging the two levels belong here; which segments and fields they are is told by each type's module.
Several documents may stand in an IDoc; a line may make several records, as one that names several units does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import polars as pl

from pipelines.contracts import Contract
from pipelines.sources.conversion import gathered, with_verdict
from pipelines.sources.idoc.rows import CONTROL_FIELDS, CONTROL_PLACE, Fields, Rows, below, columns_of, control_of, placed
from pipelines.sources.idoc.tree import Idoc, Segment

__all__ = ["HeadedLines", "HeadedSpec"]


@dataclass(frozen=True)
class HeadedSpec:
    """How one type is read: its table, the segments of header and lines, columns of the header, and what both say.

    `lines` gives the records of one line, which is told its position from 1. `needed` is the column that a document without
    lines is refused for, None where such a document is a record.
    """

    table: str
    header: str
    line: str
    header_columns: Sequence[str]
    head: Callable[[Segment], Fields]
    lines: Callable[[Segment, int], Sequence[Fields]]
    other_fields: frozenset[str]
    needed: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)


class HeadedLines:
    """Collects the IDocs of one type. Grain of the records: one per line, more where a line makes several."""

    def __init__(self, contract: Contract, spec: HeadedSpec) -> None:
        """Collect for this contract."""
        self.contract, self.spec, self.labels = contract, spec, spec.labels
        self._header_names = (*CONTROL_FIELDS, "idoc_ordinal", *spec.header_columns)
        self._line_names = [column.name for column in contract.columns if column.name not in self._header_names]
        self._headers = Rows(spec.header, self._header_names, places=["_control"])
        self._lines = Rows(spec.line, self._line_names)

    def add(self, idoc: Idoc) -> int:
        """Take one IDoc. Returns the records it makes."""
        control, records, lines_before = {**control_of(idoc), "IDOC_ORDINAL": str(idoc.number)}, 0, 0
        bodies = [segment for segment in idoc.segments if segment.name == self.spec.header]
        for ordinal, body in enumerate(bodies or [Segment(self.spec.header, idoc.line, {})], 1):
            self._headers.add([{**self.spec.head(body), **control}], idoc=idoc.key, parents=[0], first=ordinal, lines=[body.line])
            made = 0
            for at, line in enumerate(body.all(self.spec.line), 1):
                lines_before += 1
                for fields in self.spec.lines(line, at):
                    parents = [self._headers.count - 1]
                    self._lines.add([fields], idoc=idoc.key, parents=parents, first=lines_before, lines=[line.line])
                    made += 1
            records += max(made, 1)
        return records

    def records(self) -> dict[str, pl.DataFrame]:
        """All records by table, as `conversion.gathered` gives them."""
        lines = self._lines.judged(columns_of(self.contract, self._line_names))
        headers = self._headers.judged(columns_of(self.contract, self._header_names))
        if self.spec.needed:
            empty = ~pl.int_range(pl.len()).is_in(lines["_parent"].implode())
            headers = with_verdict(headers, empty, code="empty_document", field=self.spec.needed)
        headers = placed(headers, CONTROL_PLACE)
        takes = below(pl.DataFrame({"header": pl.int_range(headers.height, eager=True)}), "header", "line", rows=lines)
        levels = {"header": (headers, takes["header"]), "line": (lines, takes["line"])}
        return {self.contract.table: gathered(levels, [column.name for column in self.contract.columns])}
