"""Errors of live systems: one class, whose message may be shown to anybody.

The sentence a person reads belongs here. The driver's own text does not: it may hold a part of the connection string.
Causes and remedies are listed in pipelines/sources/TRYTON.md.
"""

from __future__ import annotations

__all__ = ["LiveError"]


class LiveError(RuntimeError):
    """A live system that cannot be read; the message names cause and remedy, and never the connection string.

    `may_pass` tells that trying again may help, as when the database was restarted.
    """

    def __init__(self, message: str, *, may_pass: bool = False) -> None:
        """Keep the sentence, and whether trying again may help."""
        super().__init__(message)
        self.may_pass = may_pass
