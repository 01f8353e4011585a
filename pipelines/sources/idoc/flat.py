"""Flat: the records of a flat IDoc file become a stream of IDocs, as the XML reader makes them.

Record types, code pages and the tree of segments belong here; where fields stand is told by layouts (layouts.py).
Memory holds one IDoc at a time, and a line is never longer than a record may be. See README.md, section "Flat IDocs".
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

from pipelines.sources.idoc.flat_cuts import CutsByMessage, malformed
from pipelines.sources.idoc.layouts import CONTROL, ROOT, Layouts, SegmentLayout, read_layouts
from pipelines.sources.idoc.tree import STATUS, UNKNOWN_SEGMENT, Fault, Idoc, Segment, UnreadableIdocs, message_of

__all__ = ["is_flat", "read_flat"]

_LONGEST = 1063
"""Characters of the longest record, 63 of a data record and 1000 of its segment; blanks at its end do not count."""
_DEEPEST = 99
"""Levels that HLEVEL, two digits, can count."""
_BLOCK = 1024 * 1024
_BLANK = b" \t\r\n\x0b\x0c\x00\xef\xbb\xbf"
_OWN = re.compile(r"^Z|^/")
"""Names of record types that a customer defined."""
_NUMBER, _PARENT = slice(49, 55), slice(55, 61)
_UNNUMBERED = frozenset({"000000", " " * 6, ""})
_MOST_STATUSES = 100_000
"""Status records that may be held together."""
_MOST_SEGMENTS = 999_999
"""Segments that SEGNUM, six digits, can count."""


def is_flat(path: Path) -> bool:
    """Whether the file begins like a flat IDoc file, with a control or a status record."""
    with path.open("rb") as stream:
        return stream.read(4096).lstrip(_BLANK).startswith((b"EDI_DC", b"EDI_DS"))


def read_flat(
    path: Path, *, before: int = 0, layouts: Path | None = None, fields: Mapping[str, Collection[str]] | None = None
) -> Iterator[Idoc]:
    """IDocs in file order, numbered as `reader.read_idocs` numbers them. Raises UnreadableIdocs, and LayoutError.

    `fields` names, by message, those that are cut out of data records, all where it is None: most of a record's fields are in
    no table, and none of a message that it does not name. Status records, which may stand anywhere between IDocs, come behind
    them as one IDoc whose segments they are.
    """
    file = _File(read_layouts(layouts), fields, before)
    for block in _records(path):
        begin = 0
        for at in [at for at, (_, record) in enumerate(block) if record.startswith("EDI_")]:
            file.records += block[begin:at]
            begin = at + 1
            yield from file.take(*block[at])
        file.records += block[begin:]
        yield from file.checked()
    yield from file.ended()


class _File:
    """A flat file being read: the IDoc that is open, with its records so far, and the status records that wait."""

    def __init__(self, layouts: Layouts, fields: Mapping[str, Collection[str]] | None, before: int) -> None:
        self.layouts, self.before, self.number = layouts, before, 0
        self.cuts = CutsByMessage(layouts, fields)
        self.control: Segment | None = None
        self.records: list[tuple[int, str]] = []
        self.statuses: list[Segment] = []

    def take(self, line: int, record: str) -> Iterator[Idoc]:
        """Take a record that is no data record; a control record gives the IDoc before it."""
        if self.control is None and self.records:
            raise _no_control(*self.records[0])
        if record.startswith(CONTROL):
            yield from self._closed()
            self.number += 1
            self.control, self.records = Segment(CONTROL, line, _record_fields(record, self.layouts, CONTROL)), []
        elif record.startswith(STATUS):
            self.statuses.append(Segment(STATUS, line, _record_fields(record, self.layouts, STATUS)))
        else:
            raise _no_control(line, record)

    def checked(self) -> Iterator[Idoc]:
        """Make sure that what is held stays bounded; a file of status records alone gives them by and by."""
        if self.control is None and self.records:
            raise _no_control(*self.records[0])
        if len(self.records) > _MOST_SEGMENTS:
            raise malformed(self.records[-1][0], f"is one of more than the {_MOST_SEGMENTS} that an IDoc may have")
        if len(self.statuses) >= _MOST_STATUSES:
            if self.control is not None:
                raise malformed(self.statuses[-1].line, f"is one of more than {_MOST_STATUSES} status records among IDocs")
            yield from self._told()

    def ended(self) -> Iterator[Idoc]:
        """What is left at the end of the file."""
        yield from self._closed()
        yield from self._told()

    def _closed(self) -> Iterator[Idoc]:
        if self.control is not None:
            yield _idoc(self.control, self.records, self.cuts, before=self.before, number=self.number)

    def _told(self) -> Iterator[Idoc]:
        if self.statuses:
            self.number += 1
            line = self.statuses[0].line
            yield Idoc(self.number, self.before + self.number, STATUS, line, Segment(CONTROL, line, {}), self.statuses)
            self.statuses = []


def _no_control(line: int, record: str) -> UnreadableIdocs:
    return malformed(line, f"starts with {record[:10].strip()!r}, and {CONTROL} must be the first; an older port writes EDI_DC")


def _idoc(
    control: Segment, records: list[tuple[int, str]], by_message: CutsByMessage, *, before: int, number: int, is_whole: bool = False
) -> Idoc:
    """One IDoc of its records, with the fields that its message is read for; `whole` reads it with all."""
    basic_type = (control.fields.get("IDOCTYP") or "").strip()
    cuts = by_message.every if is_whole else by_message.of(message_of(basic_type))
    segments: list[Segment] = []
    without: list[int] = []
    for line, record in records:
        name = record[:30]
        segment, names, cut, layout = cuts[name] if name in cuts else cuts.learn(name, line)
        # Blanks at the end mean nothing, and most fields hold nothing else.
        fields = {field: text for field, value in zip(names, cut(record), strict=False) if (text := value.rstrip(" "))} if cut else {}
        if layout is None:
            without.append(len(segments))
        segments.append(Segment(segment, line, fields, []))
    fault = _without_layout([(segments[at], records[at][1]) for at in without])
    roots: list[Segment] = []
    if fault is None and _UNNUMBERED.isdisjoint([record[_NUMBER] for _, record in records]):
        roots, fault = _by_number(segments, records)
    elif fault is None:
        roots, fault = _by_order(segments, [cuts[record[:30]][3] for _, record in records])
    own = () if fault else sorted({segments[at].name for at in without})
    whole = partial(_idoc, control, records, by_message, before=before, number=number, is_whole=True)
    trees = segments if fault else roots
    return Idoc(number, before + number, basic_type, control.line, control, trees, None, whole, fault, own)


def _without_layout(unknown: Sequence[tuple[Segment, str]]) -> Fault | None:
    """What is wrong where a segment of SAP's has no layout; one of the customer's own is skipped."""
    for segment, record in unknown:
        name = record[:30].strip()
        if not _OWN.match(name):
            reason = (
                f"{segment.name} (record {segment.line}, {name}) has no layout, so its fields cannot be told apart; export the parser "
                "report of this IDoc type in SAP (transaction WE60), put it into layouts/ and deliver the file again."
            )
            return Fault(UNKNOWN_SEGMENT, reason, segment.name, segment.line)
    return None


def _by_number(segments: Sequence[Segment], records: Sequence[tuple[int, str]]) -> tuple[list[Segment], Fault | None]:
    """The tree that SEGNUM and PSGNUM tell."""
    roots: list[Segment] = []
    levels: dict[str, tuple[Sequence[Segment], int]] = dict.fromkeys(_UNNUMBERED, (roots, 0))
    for segment, (_, record) in zip(segments, records, strict=True):
        siblings, depth = levels.get(record[_PARENT], (None, 0))
        if siblings is None:
            number = record[_PARENT].strip()
            return [], _lost(segment, f"hangs below segment number {number!r} (PSGNUM), which the IDoc does not have before it")
        if depth == _DEEPEST:
            return [], _lost(segment, f"is nested deeper than the {_DEEPEST} levels that an IDoc may have")
        siblings.append(segment)
        levels[record[_NUMBER]] = (segment.children, depth + 1)
    return roots, None


def _by_order(segments: Sequence[Segment], known: Sequence[SegmentLayout | None]) -> tuple[list[Segment], Fault | None]:
    """The tree that the order of segments tells, where the sender leaves their numbers blank.

    A segment hangs below the last one that may hold it; one of the customer's own, without a layout, below the last one.
    """
    roots: list[Segment] = []
    path: list[Segment] = []
    for segment, layout in zip(segments, known, strict=True):
        depth = len(path)
        while layout is not None and depth and path[depth - 1].name not in layout.parents:
            depth -= 1
        if layout is not None and not depth and ROOT not in layout.parents:
            return [], _lost(segment, f"stands below none of {', '.join(layout.parents)}, and its number (SEGNUM) is blank")
        (path[depth - 1].children if depth else roots).append(segment)
        if layout is not None:
            path[depth:] = [segment]
    return roots, None


def _lost(segment: Segment, problem: str) -> Fault:
    reason = f"{segment.name} (record {segment.line}) {problem}; let the sender write the IDoc's records complete and in order, "
    return Fault("segment_misplaced", reason + "and deliver the file again.", segment.name, segment.line)


def _record_fields(record: str, layouts: Layouts, name: str) -> dict[str, str | None]:
    fields = layouts.segments[name].fields
    return {name: text for name, (start, end) in fields.items() if (text := record[start:end].rstrip(" "))}


def _records(path: Path) -> Iterator[list[tuple[int, str]]]:
    """Records that are not blank, with their line from 1, a block of lines at a time."""
    line = 1
    for block in _texts(path):
        records = block.split("\n")
        if max(map(len, records)) > _LONGEST:
            records = [_within(record, at) for at, record in enumerate(records, line)]
        yield [(at, record) for at, record in enumerate(records, line) if record and not record.isspace()]
        line += len(records)


def _within(record: str, line: int) -> str:
    """The record without blanks at its end; one that is too long for a record is refused."""
    cut = record.rstrip(" ")
    if len(cut) > _LONGEST:
        raise malformed(line, f"has {len(cut)} characters, and the longest record has {_LONGEST}")
    return cut


def _texts(path: Path) -> Iterator[str]:
    """The file's text in blocks of whole lines, without their ends. Code page: UTF-8 (SAP's 4110), else Latin (1160, 1100).

    The first byte beyond ASCII decides for the whole file.
    """
    is_utf_8: bool | None = None
    line, rest = 1, b""
    with path.open("rb") as stream:
        while True:
            read = stream.read(_BLOCK)
            lines, end, begun = (rest + read).rpartition(b"\n") if read else (rest, b"", b"")
            if not read and not rest:
                return
            if read and not end:
                if len(begun) > 4 * _LONGEST + _BLOCK:
                    raise malformed(line, f"is longer than the {_LONGEST} characters of the longest record")
                rest = begun
                continue
            text, is_utf_8 = _decoded(lines.removeprefix(b"\xef\xbb\xbf") if line == 1 else lines, is_utf_8, line)
            yield text.replace("\r\n", "\n").removesuffix("\r")
            line, rest = line + lines.count(b"\n") + 1, begun
            if not read:
                return


def _decoded(lines: bytes, is_utf_8: bool | None, line: int) -> tuple[str, bool | None]:
    """The text, and whether the file is UTF-8 as far as its bytes tell."""
    if lines.isascii():
        return lines.decode("ascii"), is_utf_8
    if is_utf_8 is not False:
        try:
            return lines.decode("utf-8"), True
        except UnicodeDecodeError as error:
            if is_utf_8:
                raise UnreadableIdocs(
                    "wrong_encoding",
                    f"The flat file is UTF-8 before and no longer at line {line + lines[: error.start].count(bytes([10]))}; "
                    "write it in one code page (UTF-8, SAP's 4110, at best) and deliver it again.",
                    line=line + lines[: error.start].count(b"\n"),
                ) from error
    try:
        return lines.decode("cp1252"), False
    except UnicodeDecodeError:
        return lines.decode("latin-1"), False
