"""Tree: what an IDoc is once it is read, whatever form it came in.

The shapes that readers make and families take belong here; making and taking them does not.
Segments are named as in XML, E1EDL24, also where a flat record calls them E2EDL24006.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from lxml import etree

__all__ = ["STATUS", "UNKNOWN_SEGMENT", "Fault", "Idoc", "Segment", "UnreadableIdocs", "message_of"]

_BASIC_TYPE = re.compile(r"^([A-Z]+)\d\d$")

STATUS = "EDI_DS40"
"""Status record of a flat file; also the basic type under which such records are handed on, which belong to no IDoc of the file."""

UNKNOWN_SEGMENT = "unknown_segment"
"""Reason code of a flat IDoc with a segment that no layout describes."""


class UnreadableIdocs(Exception):
    """The file cannot be read as a whole: `code` is the reason code, the message one sentence; the place, if it is known."""

    def __init__(self, code: str, message: str, *, line: int | None = None, segment: str | None = None) -> None:
        """Keep code, sentence and place."""
        super().__init__(message)
        self.code, self.line, self.segment = code, line, segment


@dataclass(slots=True)
class Segment:
    """One segment: its name without namespace, line of the file, fields by name, and segments within it."""

    name: str
    line: int
    fields: dict[str, str | None]
    children: Sequence[Segment] = ()

    def all(self, name: str) -> list[Segment]:
        """Segments of that name directly within this one."""
        return [child for child in self.children if child.name == name]

    def walk(self) -> Iterator[Segment]:
        """This segment and all within it, in the order in which they stand in the file."""
        yield self
        for child in self.children:
            yield from child.walk()


@dataclass(frozen=True, slots=True)
class Fault:
    """Why an IDoc that stands in a readable file is refused whole: reason code, sentence, and the segment at fault."""

    code: str
    reason: str
    segment: str
    line: int


@dataclass(slots=True)
class Idoc:
    """One IDoc: position in the file, and among all IDocs read together, from 1; basic type, control record, segments.

    `element` is there where it came as XML. Where it came flat, `whole` reads it again with all fields, `fault` tells why it
    cannot be taken (`segments` is then no tree but a list), and `skipped` names its segments of the customer's own that no
    layout describes.
    """

    number: int
    key: int
    basic_type: str
    line: int
    control: Segment
    segments: Sequence[Segment]
    element: etree._Element | None = None
    whole: Callable[[], Idoc] | None = None
    fault: Fault | None = None
    skipped: Sequence[str] = ()


def message_of(basic_type: str) -> str:
    """The basic type without its version: MBGMCR of MBGMCR03; blank for what is no basic type of SAP's."""
    if basic_type == STATUS:
        return STATUS
    match = _BASIC_TYPE.match(basic_type)
    return match[1] if match else ""
