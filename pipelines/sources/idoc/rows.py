"""Rows: tuples of texts, collected while a file is parsed, kept as frames so that they cost little memory.

Collecting belongs here; which fields make a row is decided by each family's module, typing by conversion.py.
Levels of one document (header, item, unit) are separate rows that point at their parent by position.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import polars as pl

from pipelines.contracts import Column, Contract
from pipelines.sources.conversion import judged, with_verdict
from pipelines.sources.idoc.reader import Idoc
from pipelines.sources.values import blank_to_null

__all__ = ["CONTROL_FIELDS", "Rows", "below", "columns_of", "control_of", "first_filled", "judged_serials"]

PLACE = ("_idoc", "_parent", "_ordinal", "_line")
"""IDoc in the file and ordinal in the IDoc, both from 1; parent row from 0; line of the file from 1."""
CONTROL_FIELDS = ("docnum", "idoctyp", "mestyp", "sndprn", "credat", "cretim")
_CHUNK = 50_000


class Rows:
    """Rows of one level; each is a tuple of the texts in their order and then of PLACE."""

    def __init__(self, segment: str, texts: Sequence[str]) -> None:
        """Rows of that segment, with these text columns."""
        self.segment, self.texts = segment, tuple(texts)
        self._rows: list[tuple] = []
        self._frames: list[pl.DataFrame] = []
        self.count = 0

    def add(self, rows: Iterable[tuple]) -> None:
        """Append rows, all of one IDoc."""
        before = len(self._rows)
        self._rows.extend(rows)
        self.count += len(self._rows) - before
        if len(self._rows) >= _CHUNK:
            self._flush()

    def frame(self) -> pl.DataFrame:
        """All rows so far: the texts, PLACE and `_segment`, such as E1EDL24[2]."""
        self._flush()
        return pl.concat(self._frames).with_columns(_segment=pl.format(f"{self.segment}[{{}}]", "_ordinal"))

    def judged(self, columns: Sequence[Column]) -> pl.DataFrame:
        """The rows with these columns typed, and verdicts."""
        return judged(self.frame(), columns)

    def _flush(self) -> None:
        names = (*self.texts, *PLACE)
        values = list(zip(*self._rows, strict=True)) or [()] * len(names)
        types = [pl.Int64() if name in PLACE else pl.String() for name in names]
        if self._rows or not self._frames:
            self._frames.append(pl.DataFrame([pl.Series(n, v, dtype=t) for n, v, t in zip(names, values, types, strict=True)]))
        self._rows = []


def columns_of(contract: Contract, names: Iterable[str]) -> list[Column]:
    """The contract's columns with these names, in the contract's order."""
    wanted = set(names)
    return [column for column in contract.columns if column.name in wanted]


def control_of(idoc: Idoc) -> list[str | None]:
    """The control record's CONTROL_FIELDS; the basic type is the root element's name where it is not stated."""
    return [idoc.basic_type if name == "idoctyp" else idoc.control.get(name.upper()) for name in CONTROL_FIELDS]


def below(takes: pl.DataFrame, parent: str, child: str, *, rows: pl.DataFrame) -> pl.DataFrame:
    """Which row of each level a record takes, one level deeper.

    One record per child row, and one per parent without children.
    `takes` has a column per level with row positions; `rows` are the child level's, whose `_parent` points at `parent`.
    """
    children = rows.select(pl.col("_parent").alias(parent), pl.int_range(pl.len()).alias(child))
    return takes.join(children, on=parent, how="left", maintain_order="left_right")


def judged_serials(frame: pl.DataFrame, columns: Sequence[Column]) -> pl.DataFrame:
    """Serial segments judged: `columns` are the serial number, which falls back to the UII, and the UII."""
    serial, uii = columns
    given, unique = blank_to_null(frame[serial.name]), blank_to_null(frame[uii.name])
    number = given.zip_with(given.is_not_null(), unique)
    rows = judged(frame.with_columns(number.alias(serial.name)), columns)
    return with_verdict(rows, pl.lit(number.is_null()), code="serial_missing", field=serial.name)


def first_filled(*values: str | None) -> str | None:
    """The first value that is not blank."""
    return next((value for value in values if value and not value.isspace()), None)
