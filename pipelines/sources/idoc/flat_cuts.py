"""Flat cuts: what cuts the records of a flat file into fields, by the name of their segment and by message.

Working out what to cut belongs here; reading records and building trees of them does not (flat.py). Most of a record's fields
are in no table, so only those that a message is read for are cut.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from operator import itemgetter

from pipelines.sources.idoc.layouts import DATA_STARTS, Layouts, SegmentLayout
from pipelines.sources.idoc.tree import UnreadableIdocs

__all__ = ["Cuts", "CutsByMessage", "malformed"]

_RECORD_NAME = re.compile(r"^(?:/\w+/)?[A-Z]\w+ *$", re.ASCII)
_MOST_NAMES = 10_000

Cut = tuple[str, tuple[str, ...], Callable[[str], Sequence[str]] | None, SegmentLayout | None]
"""Name of a segment, names of its fields, what cuts these out of a record, and its layout."""


class CutsByMessage:
    """What cuts the records of an IDoc: the fields that its message is read for, or every one."""

    def __init__(self, layouts: Layouts, fields: Mapping[str, Collection[str]] | None) -> None:
        """Cut these fields by message; all of every message where it is None."""
        self.layouts, self.fields, self.every = layouts, fields, Cuts(layouts, None)
        self._cuts: dict[str, Cuts] = {}

    def of(self, message: str) -> Cuts:
        """For IDocs of this message."""
        if self.fields is None:
            return self.every
        known = message if message in self.fields else ""
        if known not in self._cuts:
            self._cuts[known] = Cuts(self.layouts, self.fields.get(known, ()))
        return self._cuts[known]


class Cuts(dict):
    """What cuts a record, by the 30 characters that name its segment: worked out once per name."""

    def __init__(self, layouts: Layouts, fields: Collection[str] | None) -> None:
        """Cut these fields, all where it is None."""
        super().__init__()
        self.layouts, self.fields = layouts, fields

    def learn(self, record_name: str, line: int) -> Cut:
        """What cuts records of this name. Raises UnreadableIdocs where it can be no segment's."""
        if not _RECORD_NAME.match(record_name):
            raise malformed(line, "does not begin with the name of a segment")
        if len(self) == _MOST_NAMES:
            raise malformed(line, f"names segment number {_MOST_NAMES + 1} of the file, more than IDoc types have")
        name, layout = self.layouts.find(record_name.strip())
        places = layout.fields.items() if layout else ()
        wanted = [(field, place) for field, place in places if self.fields is None or field in self.fields]
        slices = [slice(start + DATA_STARTS, end + DATA_STARTS) for _, (start, end) in wanted]
        # An itemgetter of one slice gives no tuple.
        cut = itemgetter(*slices, slice(0, 0)) if slices else None
        self[record_name] = found = (name, tuple(field for field, _ in wanted), cut, layout)
        return found


def malformed(line: int, problem: str) -> UnreadableIdocs:
    """What to raise for a file that a record shows to be broken."""
    sentence = f"The flat file is cut off or broken: record {line} {problem}; none of it was taken. Deliver the complete file again."
    return UnreadableIdocs("malformed_idoc", sentence, line=line)
