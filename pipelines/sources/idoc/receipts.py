"""Receipts: WPUBON documents become one record per receipt line.

What WPUBON's segments say about one another belongs here; payments are never read into records. Typing does not belong
here (conversion.py); the columns are explained in data_contracts/sources/pos/receipts.odcs.yaml.
"""

from __future__ import annotations

import polars as pl

from pipelines.contracts import Contract
from pipelines.sources.conversion import gathered, judged, with_verdict
from pipelines.sources.idoc.free_fields import FREE_FIELD, extension_text, free_fields
from pipelines.sources.idoc.reader import Idoc, Segment
from pipelines.sources.idoc.rows import CONTROL_PLACE, Rows, below, columns_of, control_of, placed

__all__ = ["Receipts"]

_CONTROL = ("docnum", "idoctyp", "sndprn", "credat", "cretim")
_RECEIPT = ("kassid", "vorgdatum", "vorgzeit", "bonnummer", "qualkdnr", "kundnr", "kassierer", "belegwaers")
_LINE = ("vorgangart", "qualartnr", "artnr", "seriennr", "vorzeichen", "menge", "aktionsnr", "refbonnr")
_FREE = {"return_reason": "RETURN_REASON", "condition_code": "CONDITION"}
"""Columns whose value stands in a free field, E1WXX01, of this name."""
_NO_FREE = dict.fromkeys([*(name.upper() for name in _FREE), "EXTENSION"])


class Receipts:
    """Collects WPUBON IDocs.

    Grain of the records: one per receipt line; a receipt without lines is one refused record.
    """

    other_fields = ("FLDGRP", "FLDNAME", "FLDVAL")
    """Fields that are read and bear no column's name."""

    labels = {
        "kondvalue": "E1WPB03 KONDVALUE",
        "return_reason": "E1WXX01 RETURN_REASON",
        "condition_code": "E1WXX01 CONDITION",
        "posnr": "E1WPB02",
        "extension": "E1WXX01",
    }

    def __init__(self, contract: Contract) -> None:
        """Collect for this contract."""
        self.contract = contract
        self._headers = Rows("E1WPB01", (*_CONTROL, *_RECEIPT), places=["_control"])
        self._lines = Rows("E1WPB02", (*_LINE, *_FREE, "posnr", "extension"))
        self._conditions = Rows("E1WPB03", ("kondvalue",))

    def add(self, idoc: Idoc) -> int:
        """Take one IDoc. Returns the records it makes."""
        control = control_of(idoc)
        receipts = [segment for segment in idoc.segments if segment.name == "E1WPB01"]
        records = lines_before = 0
        for ordinal, receipt in enumerate(receipts or [Segment("E1WPB01", idoc.line, {})], 1):
            self._headers.add([{**receipt.fields, **control}], idoc=idoc.key, parents=[0], first=ordinal, lines=[receipt.line])
            lines = receipt.all("E1WPB02")
            self._add_lines(lines, idoc.key, before=lines_before)
            lines_before += len(lines)
            records += max(len(lines), 1)
        return records

    def records(self) -> dict[str, pl.DataFrame]:
        """All records by table, as `conversion.gathered` gives them."""
        headers = self._headers.judged(columns_of(self.contract, (*_CONTROL, *_RECEIPT)))
        lines = self._judged_lines()
        empty = ~pl.int_range(pl.len()).is_in(lines["_parent"].implode())
        headers = with_verdict(headers, empty, code="empty_document", field="posnr")
        headers = placed(headers, CONTROL_PLACE)
        takes = below(pl.DataFrame({"header": pl.int_range(headers.height, eager=True)}), "header", "line", rows=lines)
        levels = {"header": (headers, takes["header"]), "line": (lines, takes["line"])}
        return {self.contract.table: gathered(levels, [c.name for c in self.contract.columns])}

    def _add_lines(self, lines: list[Segment], key: int, *, before: int) -> None:
        first, conditions, parents = self._lines.count, [], []
        for at, line in enumerate(lines):
            has_free = False
            for child in line.children:
                if child.name == "E1WPB03":
                    conditions.append(child)
                    parents.append(first + at)
                elif child.name == FREE_FIELD:
                    has_free = True
            line.fields.update(_free(line) if has_free else _NO_FREE, POSNR=str(at + 1))
        fields, places = [line.fields for line in lines], [line.line for line in lines]
        self._lines.add(fields, idoc=key, parents=[self._headers.count - 1] * len(lines), first=before + 1, lines=places)
        fields, places = [condition.fields for condition in conditions], [condition.line for condition in conditions]
        self._conditions.add(fields, idoc=key, parents=parents, first=1, lines=places)

    def _judged_lines(self) -> pl.DataFrame:
        """Lines with the sum of their conditions; a condition that is no number is the line's fault."""
        columns = columns_of(self.contract, (*_LINE, *_FREE, "posnr", "extension"))
        lines = judged(self._lines.frame(), columns)
        sign = self._lines.frame()["vorzeichen"].str.strip_chars()
        lines = with_verdict(
            lines,
            pl.lit(~sign.is_in(["+", "-"]).fill_null(value=False)),
            code="sign_unknown",
            field="vorzeichen",
            value=pl.lit(sign),
        )
        conditions = judged(self._conditions.frame(), columns_of(self.contract, ("kondvalue",)))
        sums = conditions.group_by("_parent").agg(
            pl.when(pl.col("kondvalue").count() > 0).then(pl.col("kondvalue").sum()).alias("kondvalue"),
            pl.col("_value").drop_nulls().first().alias("wrong"),
        )
        row = lines.select(pl.int_range(pl.len()).alias("_parent"))
        joined = row.join(sums, on="_parent", how="left", maintain_order="left")
        lines = lines.with_columns(joined["kondvalue"].cast(self.contract.polars_schema["kondvalue"]))
        wrong = joined["wrong"].is_not_null() & lines["_code"].is_null()
        return with_verdict(lines, pl.lit(wrong), code="bad_number", field="kondvalue", value=pl.lit(joined["wrong"]))


def _free(line: Segment) -> dict[str, str | None]:
    """Columns that the line's free fields fill."""
    free = free_fields(line)
    values = {name: value for _, name, value in free}
    of_columns = {column.upper(): values.get(name) for column, name in _FREE.items()}
    return {**of_columns, "EXTENSION": extension_text(free, without=_FREE.values())}
