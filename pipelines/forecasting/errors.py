"""Errors of forecasting: what a person who brings a panel or a configuration has to mend."""

from __future__ import annotations

__all__ = ["PanelError"]


class PanelError(ValueError):
    """A panel or configuration that cannot be forecast; the message says what is wrong, where, and what to do."""
