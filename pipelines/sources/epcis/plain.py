"""Plain: what an EPCIS document is made of, whether it came as JSON or as XML.

Events as plain objects, and what can be wrong with them and with the document, belong here. Nothing else does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

__all__ = ["Delivered", "Document", "DocumentFault", "EventFault", "MasterData", "Number"]


class Number(str):
    """A number as its text, so that no decimal is lost."""

    __slots__ = ()


class DocumentFault(Exception):
    """A document that cannot be read: reason code, what is wrong, and where, as far as that is known."""

    def __init__(self, code: str, problem: str, *, field: str | None = None, line: int | None = None) -> None:
        """Keep them; the sentence says what to do."""
        super().__init__(f"{problem}; correct the document at the sender and deliver it again.")
        self.code, self.field, self.line = code, field, line


class EventFault(Exception):
    """An event that breaks a rule: reason code, field, and the end of a sentence that begins with the field."""

    def __init__(self, code: str, field: str, problem: str) -> None:
        """Keep them."""
        super().__init__(problem)
        self.code, self.field, self.problem = code, field, problem


@dataclass(frozen=True)
class Delivered:
    """One event as it was delivered: its object in the form of JSON, its line, and its prefixes with what they stand for."""

    event: Any
    line: int | None
    prefixes: Mapping[str, str]


@dataclass(frozen=True)
class MasterData:
    """One element of a vocabulary: a place, an article or a party as the sender describes it."""

    vocabulary: str
    element_id: str
    attributes: Mapping[str, str]
    children: tuple[str, ...] = ()
    line: int | None = None


@dataclass(frozen=True)
class Document:
    """A document that could be read: its events and its master data, when it was made, and by whom it was sent."""

    events: tuple[Delivered, ...] = ()
    master_data: tuple[MasterData, ...] = ()
    created_at: datetime | None = None
    sender: str | None = None
