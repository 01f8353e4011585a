"""Layouts: where each field of a segment stands in a flat record, and below which segment a segment hangs.

Reading our own layout files and SAP's parser reports belongs here; cutting records by them does not (flat.py).
A user's report in `layouts/` goes before what is shipped in pipelines/sources/idoc/layouts; see README.md, "Flat IDocs".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import yaml

from pipelines.contracts import ContractError

__all__ = [
    "CONTROL",
    "DATA_STARTS",
    "ROOT",
    "LayoutError",
    "Layouts",
    "SegmentLayout",
    "internal_name",
    "parser_report",
    "read_layouts",
    "shipped_layouts",
]

CONTROL = "EDI_DC40"
ROOT = "IDOC"
"""Parent of segments that hang below no other."""

_SHIPPED = Path(__file__).parent / "layouts"
DATA_STARTS = 63
"""Characters of a data record before its segment's first field; SAP's reports count them along."""
_MOST = 1000
"""Characters that a segment's fields may take together."""
_VERSIONED = re.compile(r"^(.+?)\d{3}$")
_STATEMENT = re.compile(r"^\s*([A-Z_]+)(?:\s+(.*?))?\s*$")


class LayoutError(ContractError):
    """A layout file cannot be used; the message names the file, the line and what to do."""


@dataclass(frozen=True)
class SegmentLayout:
    """One segment: its name, the segments it may hang below, and its fields as (start, end) within SDATA, from 0.

    `record` is the name that a record of it bears, with the version of the segment.
    """

    name: str
    record: str
    parents: tuple[str, ...]
    fields: Mapping[str, tuple[int, int]]


class Layouts:
    """Layouts by the name that a record bears, E2EDL24006, or by the segment's own, E1EDL24."""

    def __init__(self, segments: Iterable[SegmentLayout], *, external: Mapping[str, SegmentLayout] | None = None) -> None:
        """Layouts by segment; `external` gives those of certain versions by the name in the record."""
        self.segments = {segment.name: segment for segment in segments}
        self.external = dict(external or {})
        self._found: dict[str, tuple[str, SegmentLayout | None]] = {}

    def find(self, record_name: str) -> tuple[str, SegmentLayout | None]:
        """The segment's own name, and its layout where one is known; a version without a layout is read by the segment's."""
        if record_name not in self._found:
            if len(self._found) > 10_000:
                self._found.clear()
            name = internal_name(record_name, self.segments)
            self._found[record_name] = (name, self.external.get(record_name) or self.segments.get(name))
        return self._found[record_name]

    def over(self, others: Layouts) -> Layouts:
        """These layouts, and those of the others where these have none.

        A segment that is in several IDoc types keeps the parents that it has in each: a report tells of one type.
        """
        segments = {name: _with_parents(layout, others.segments.get(name)) for name, layout in self.segments.items()}
        external = {name: _with_parents(layout, others.segments.get(layout.name)) for name, layout in self.external.items()}
        return Layouts({**others.segments, **segments}.values(), external={**others.external, **external})


def _with_parents(layout: SegmentLayout, other: SegmentLayout | None) -> SegmentLayout:
    """The layout with the other's parents behind its own."""
    return replace(layout, parents=tuple(dict.fromkeys([*layout.parents, *other.parents]))) if other else layout


def internal_name(record_name: str, known: Mapping[str, object]) -> str:
    """Name of a segment from that of its record: E2EDL24006 is E1EDL24, and E2WPB01, which has no version, is E1WPB01."""
    bare = record_name.strip().rpartition("/")[2]
    name = f"{bare[0]}1{bare[2:]}" if bare[:2] in ("E2", "Z2") else bare
    versioned = _VERSIONED.match(name)
    if name in known or versioned is None:
        return name
    # A name without a version may end in digits too: of two that fit, the known one.
    return versioned[1] if versioned[1] in known or len(versioned[1]) > 5 else name


@lru_cache(maxsize=1)
def shipped_layouts() -> Layouts:
    """Layouts that come with the product."""
    return Layouts(segment for path in sorted(_SHIPPED.glob("*.yaml")) for segment in _own(path).segments.values())


def read_layouts(folder: Path | None = None) -> Layouts:
    """Shipped layouts, and before them those of all files below the folder: parser reports (*.txt), or our format (*.yaml).

    Where the folder does not exist there are only the shipped ones. Raises LayoutError that names the file.
    """
    found = [path for path in sorted(folder.rglob("*")) if path.suffix.lower() in _READERS] if folder else []
    return _read_layouts(tuple((path, path.stat().st_mtime_ns, path.stat().st_size) for path in found))


@lru_cache(maxsize=4)
def _read_layouts(files: tuple[tuple[Path, int, int], ...]) -> Layouts:
    """Layouts of files as they are at a time: thousands of small files are read with the same ones."""
    layouts = shipped_layouts()
    for path, _, _ in files:
        layouts = _READERS[path.suffix.lower()](path).over(layouts)
    return layouts


def _own(path: Path) -> Layouts:
    """Layouts of one file in our format: segments with `parents` and, in their order, `fields` with their lengths."""
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
        return Layouts(_from_lengths(name, given) for name, given in document.items())
    except (yaml.YAMLError, UnicodeDecodeError, AttributeError, KeyError, TypeError, ValueError) as error:
        raise LayoutError(
            f"{path}: not a layout file ({error!r}); write segments with `parents` and `fields`, as in {_SHIPPED}."
        ) from error


def _from_lengths(name: str, given: Mapping) -> SegmentLayout:
    fields, start = {}, 0
    for field_name, length in given["fields"].items():
        fields[str(field_name)] = (start, start + int(length))
        start += int(length)
    if not name.startswith("EDI_") and start > _MOST:
        raise ValueError(f"{name} takes {start} characters, more than {_MOST}")
    # A segment in its first version has none in its record's name.
    return SegmentLayout(name, given.get("record") or f"{name[0]}2{name[2:]}", tuple(given.get("parents") or ()), fields)


def parser_report(path: Path) -> Layouts:
    """Layouts of a parser report, the text that SAP's transactions WE60 and WE63 write. Raises LayoutError."""
    report = _Report(path)
    text = path.read_bytes().decode("utf-8-sig", errors="replace")
    for number, line in enumerate(text.splitlines(), 1):
        statement = _STATEMENT.match(line)
        if statement:
            report.take(number, statement[1], statement[2] or "")
    return report.layouts()


class _Report:
    """A parser report being read: which segments have been closed, and which group each stands in.

    A group is a segment, its first, and what hangs below it, as segments or as groups.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.groups: list[str | None] = []
        self.segments: dict[str, SegmentLayout] = {}
        self.external: dict[str, SegmentLayout] = {}
        self._record = self._name = ""
        self._fields: dict[str, tuple[int, int]] = {}
        self._field: dict[str, str] = {}

    def take(self, number: int, word: str, value: str) -> None:
        """Take one line."""
        if word == "BEGIN_GROUP":
            self.groups.append(None)
        elif word == "END_GROUP" and self.groups:
            self.groups.pop()
        elif word == "BEGIN_SEGMENT":
            self._record, self._name, self._fields = value, "", {}
        elif word == "SEGMENTTYPE":
            self._name = value.rpartition("/")[2]
        elif word == "END_SEGMENT":
            self._close(number)
        elif self._record:
            self._take_field(number, word, value)

    def layouts(self) -> Layouts:
        """What the report holds; LayoutError where that is nothing."""
        if not self.segments:
            raise LayoutError(
                f"{self.path}: no segment in it, so it is no parser report; write one with transaction WE60 or WE63 (Parser), as text."
            )
        return Layouts(self.segments.values(), external=self.external)

    def _take_field(self, number: int, word: str, value: str) -> None:
        if word not in ("NAME", "LENGTH", "CHARACTER_FIRST"):
            return
        self._field[word] = value
        if word != "CHARACTER_FIRST":
            return
        try:
            start, length = int(value) - DATA_STARTS - 1, int(self._field["LENGTH"])
            name = self._field["NAME"]
        except (KeyError, ValueError) as error:
            raise LayoutError(f"{self.path}, line {number}: a field without name, length or position; write the report again.") from error
        if start < 0 or length < 1 or start + length > _MOST:
            raise LayoutError(
                f"{self.path}, line {number}: {name} lies outside the {_MOST} characters of a record; write the report again."
            )
        self._fields[name], self._field = (start, start + length), {}

    def _close(self, number: int) -> None:
        if not self._name:
            raise LayoutError(f"{self.path}, line {number}: {self._record} has no SEGMENTTYPE; write the report again.")
        heads = [head for head in self.groups if head]
        if self.groups and self.groups[-1] is None:
            self.groups[-1] = self._name
        layout = SegmentLayout(self._name, self._record, (heads[-1] if heads else ROOT,), self._fields)
        self.external[self._record] = self.segments[self._name] = layout
        self._record = ""


_READERS = {".txt": parser_report, ".yaml": _own, ".yml": _own}
"""What reads a layout file, by its suffix."""
