"""Free fields: E1WXX01, in which a till says what its segments have no field for.

Reading and keeping them belongs here; which of them mean something is told by each type's module.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence

from pipelines.sources.idoc.tree import Segment

__all__ = ["FREE_FIELD", "extension_text", "free_fields"]

FREE_FIELD = "E1WXX01"

Free = tuple[str, str, str | None]
"""Group, name in capitals, value."""


def free_fields(line: Segment) -> list[Free]:
    """The free fields directly below a segment, in their order."""
    return [
        ((child.fields.get("FLDGRP") or "").strip(), (child.fields.get("FLDNAME") or "").strip().upper(), child.fields.get("FLDVAL"))
        for child in line.children
        if child.name == FREE_FIELD
    ]


def extension_text(free: Sequence[Free], *, without: Collection[str]) -> str | None:
    """The free fields as JSON, a list of group, name and value, without those that have a column of their own; None for none."""
    kept = [{"group": group, "name": name, "value": (value or "").strip()} for group, name, value in free if name not in without]
    return json.dumps(kept, ensure_ascii=False) if kept else None
