"""Values: moments and offsets as EPCIS writes them.

Reading a moment belongs here; whether a field must have one does not (rules.py). Source: RFC 3339; XML Schema dateTime.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

from pipelines.sources.epcis.plain import Number

__all__ = ["OFFSET", "moment"]

OFFSET = re.compile(r"^[+-](?:(?:0\d|1[0-3]):[0-5]\d|14:00)$")
_MOMENT = re.compile(
    r"^(\d{4}-\d{2}-\d{2})[Tt](\d{2}:\d{2}):(\d{2})(?:\.(\d+))?([Zz]|[+-](?:(?:0\d|1[0-3]):[0-5]\d|14:00))$",
)


def moment(value: Any) -> datetime | None:
    """The moment in UTC, without a zone, in microseconds; None for what is none, or has no zone."""
    match = _MOMENT.match(value) if isinstance(value, str) and not isinstance(value, Number) else None
    if match is None:
        return None
    day, minute, second, fraction, zone = match.groups()
    text = f"{day}T{minute}:{second}.{(fraction or '')[:6]:0<6}{'+00:00' if zone in 'Zz' else zone}"
    try:
        return datetime.fromisoformat(text).astimezone(UTC).replace(tzinfo=None)
    except (ValueError, OverflowError):
        return None
