"""CSV records: the bytes of a CSV file become its header and its records, each with its place in the file.

Finding the separator and following quotes over line ends belong here; columns do not (csv_files.py, tabular.py).
Files are UTF-8, and the separator is a comma, semicolon, tab or bar, unless somebody says otherwise.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import StringIO
from itertools import islice

import polars as pl

from pipelines.sources.texts import decoded

__all__ = ["CsvRecords", "MalformedCsv", "Record"]

_SEPARATORS = (",", ";", "\t", "|")
_CHUNK = 50_000
"""Records that are held as Python texts at a time."""


class MalformedCsv(Exception):
    """The file's quotes cannot be followed; `line` is the line where the record begins, from 1."""

    def __init__(self, line: int, problem: str) -> None:
        """Keep the line and word the sentence."""
        super().__init__(
            f"The record that begins in line {line} never ends ({problem}), so the file was not read; "
            "close or double the quotation mark and deliver the file again."
        )
        self.line = line


@dataclass(slots=True)
class Record:
    """One record: its first line from 1, its last, its values, and what is wrong with its quotes, if anything."""

    line: int
    last_line: int
    values: list[str]
    problem: str | None = None


class CsvRecords:
    """A CSV file opened: `header` and `separator`; the records come from `chunks`."""

    def __init__(self, content: bytes, *, expected: Sequence[str], separator: str | None = None, encoding: str = "utf-8") -> None:
        """Open the bytes of a file. Raises NotUtf8, MalformedCsv. `expected` names help to find a separator that is not told."""
        # Line ends are kept as they are: a quoted value may hold any of them.
        self._lines = StringIO(decoded(content, encoding), newline="").readlines()
        first = next((line for line in self._lines if line.strip()), "")
        self.separator = separator or _separator(first, expected)
        self._records = self._read()
        header = next(self._records, None)
        self.header = [name.strip() for name in header.values] if header else []

    def chunks(self) -> Iterator[list[Record]]:
        """The records after the header, some thousands at a time; blank lines are none. Raises MalformedCsv."""
        while chunk := list(islice(self._records, _CHUNK)):
            yield chunk

    def text(self, record: Record) -> str:
        """The record as delivered."""
        return "".join(self._lines[record.line - 1 : record.last_line]).rstrip("\r\n")

    def problem(self, record: Record) -> tuple[str, str] | None:
        """Reason code and sentence for a record that does not fit the header; None where it does."""
        again = "correct the line and deliver the record again."
        if record.problem:
            return "bad_quotes", f"Line {record.line} has quotation marks that do not pair ({record.problem}); {again}"
        if len(record.values) != len(self.header):
            return (
                "ragged_line",
                f"Line {record.line} has {len(record.values)} fields where the header has {len(self.header)}; {again}",
            )
        return None

    def frame(self, records: Sequence[Record], positions: dict[str, int]) -> pl.DataFrame:
        """Records that fit the header: a text column for each position, and `_line`."""
        columns = [pl.Series(name, [record.values[at] for record in records], dtype=pl.String) for name, at in positions.items()]
        return pl.DataFrame([*columns, pl.Series("_line", [record.line for record in records], dtype=pl.Int64)])

    def _read(self) -> Iterator[Record]:
        reader, done = csv.reader(self._lines, delimiter=self.separator, strict=True), 0
        while True:
            problem, values = None, []
            try:
                values = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                problem = str(error)
                if "end of data" in problem or "field limit" in problem or "larger than" in problem:
                    raise MalformedCsv(done + 1, problem) from error
            start, done = done + 1, reader.line_num
            if problem or len(values) > 1 or (values and values[0].strip()):
                yield Record(start, done, values, problem)


def _separator(header: str, expected: Sequence[str]) -> str:
    """The separator that finds most of the expected names in the header, then the one that makes most fields."""
    wanted = {name.lower() for name in expected}

    def score(separator: str) -> tuple[int, int]:
        try:
            names = next(csv.reader([header], delimiter=separator), [])
        except csv.Error:
            # With the wrong separator a long header is one field, longer than a field may be.
            return 0, 0
        return sum(name.strip().lower() in wanted for name in names), len(names)

    return max(_SEPARATORS, key=score)
