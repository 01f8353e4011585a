"""Rows: fields of segments, collected while files are parsed, kept as frames so that they cost little memory.

Collecting belongs here; which fields make a row is decided by each family's module, typing by conversion.py.
Levels of one document (header, item, unit) are separate rows that point at their parent by position.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import polars as pl

from pipelines.contracts import Column, Contract
from pipelines.sources.conversion import judged, with_verdict
from pipelines.sources.idoc.reader import Idoc
from pipelines.sources.values import blank_to_null

__all__ = ["CONTROL_FIELDS", "CONTROL_PLACE", "Rows", "below", "columns_of", "control_of", "first_filled", "judged_serials", "placed"]

CONTROL_FIELDS = ("docnum", "idoctyp", "mestyp", "sndprn", "credat", "cretim")
CONTROL_PLACE = dict.fromkeys(CONTROL_FIELDS, "_control")
"""Where these fields of a header stand, as `placed` takes it."""
_CHUNK = 50_000
_FEW = 8
"""Columns up to which filling all takes no longer than asking which of them any row has."""

Fields = Mapping[str, "str | int | None"]


class Rows:
    """Rows of one level: texts, and their places."""

    def __init__(self, segment: str, texts: Sequence[str], *, places: Sequence[str] = ()) -> None:
        """Rows of that segment, with these text columns; `places` are segments (text) with a line, which `placed` takes."""
        self.segment, self.count = segment, 0
        lines = [f"{place}_line" for place in places]
        self._types = dict.fromkeys([*texts, *places], pl.String()) | dict.fromkeys(lines, pl.Int64())
        self._frames: list[pl.DataFrame] = []
        self._begin()

    def add(self, fields: Sequence[Fields], *, idoc: int, parents: Sequence[int], first: int, lines: Sequence[int]) -> None:
        """Append rows, all of one IDoc: texts by the column's name in capitals, parent rows from 0, lines of the file.

        `idoc` is the IDoc's key, `first` the position of the first row's segment in the IDoc, from 1.
        """
        self._fields += fields
        self._idocs += [idoc] * len(fields)
        self._parents += parents
        self._ordinals += range(first, first + len(fields))
        self._lines += lines
        self.count += len(fields)
        if len(self._fields) >= _CHUNK:
            self._flush()

    def frame(self) -> pl.DataFrame:
        """All rows so far: the texts, `_idoc`, `_parent`, `_line` and `_segment`, such as E1EDL24[2]."""
        self._flush()
        return pl.concat(self._frames)

    def judged(self, columns: Sequence[Column]) -> pl.DataFrame:
        """The rows with these columns typed, and verdicts."""
        return judged(self.frame(), columns)

    def _begin(self) -> None:
        self._fields: list[Fields] = []
        self._idocs: list[int] = []
        self._parents: list[int] = []
        self._ordinals: list[int] = []
        self._lines: list[int] = []

    def _flush(self) -> None:
        if not self._fields and self._frames:
            return
        present = set().union(*self._fields) if len(self._types) > _FEW else {name.upper() for name in self._types}
        columns = []
        for name, dtype in self._types.items():
            key = name.upper()
            # Most columns of an item are in no row: a column of one null costs nothing to make as long as it needs to be.
            values = [fields.get(key) for fields in self._fields] if key in present else [None]
            column = pl.Series(name, values, dtype=dtype)
            columns.append(column if key in present else column.new_from_index(0, len(self._fields)))
        places = {"_idoc": self._idocs, "_parent": self._parents, "_ordinal": self._ordinals, "_line": self._lines}
        columns += [pl.Series(name, values, dtype=pl.Int64()) for name, values in places.items()]
        segment = pl.format(f"{self.segment}[{{}}]", "_ordinal").alias("_segment")
        self._frames.append(pl.DataFrame(columns).with_columns(segment).drop("_ordinal"))
        self._begin()


def columns_of(contract: Contract, names: Iterable[str]) -> list[Column]:
    """The contract's columns with these names, in the contract's order."""
    wanted = set(names)
    return [column for column in contract.columns if column.name in wanted]


def control_of(idoc: Idoc) -> dict[str, str | int | None]:
    """The control record's CONTROL_FIELDS and its place; the basic type is the root element's name where it is not stated."""
    fields = {name.upper(): idoc.control.fields.get(name.upper()) for name in CONTROL_FIELDS}
    return {**fields, "IDOCTYP": idoc.basic_type, "_CONTROL": "EDI_DC40[1]", "_CONTROL_LINE": idoc.control.line}


def placed(rows: pl.DataFrame, places: Mapping[str, str]) -> pl.DataFrame:
    """Judged rows whose `_segment` and `_line`, where a field of another segment is at fault, are those of that segment.

    `places` gives, for such fields, the column that names the segment; its line stands in the column with `_line` behind.
    """
    names = sorted(set(places.values()))
    extra = [*names, *(f"{name}_line" for name in names)]
    if rows["_code"].null_count() < rows.height:
        for place in names:
            here = pl.col("_field").is_in([field for field, name in places.items() if name == place])
            moved = {"_segment": pl.col(place), "_line": pl.col(f"{place}_line")}
            rows = rows.with_columns(pl.when(here).then(new).otherwise(pl.col(name)).alias(name) for name, new in moved.items())
    return rows.drop(extra)


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
