"""Progress: lets a long step say how far it is, without knowing who shows it.

Steps report here; the command line listens. Nothing is drawn here.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import contextmanager

__all__ = ["listening", "report"]

Listener = Callable[[str, int, int | None], None]
_listeners: list[Listener] = []


def report(stage: str, done: int, total: int | None = None) -> None:
    """Tell the listener that `done` of `total` (None where unknown) of a stage is finished."""
    for listener in _listeners:
        listener(stage, done, total)


@contextmanager
def listening(listener: Listener):
    """Call `listener(stage, done, total)` on each report until the block ends."""
    _listeners.append(listener)
    try:
        yield
    finally:
        _listeners.remove(listener)
