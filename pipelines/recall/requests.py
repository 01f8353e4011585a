"""Requests: what is to be recalled, by a condition that a person writes or by a manufacturer's notice.

Names, and the condition that a notice means, belong here; whether a condition is allowed does not (condition.py). Notices are
delivered as quality/recall_notices, explained in data_contracts/sources/quality.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from pipelines.card import normalised
from pipelines.lake import Lake
from pipelines.recall.condition import RecallError, columns_named

__all__ = ["Request", "requested", "requested_by_notice"]

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_NUMBERED = re.compile(r"(.*?)(\d+)")
_NOTICES = "bronze/quality/recall_notices"
_KEY = ["notice_number", "article", "serial_from"]


@dataclass(frozen=True)
class Request:
    """One recall as asked for; the same name stands for the same condition, always."""

    name: str
    condition: str
    notice_id: str | None = None
    reason: str | None = None


def requested(condition: str | None, *, serials: Path | None = None, name: str | None = None) -> Request:
    """A recall by condition, by a file of serial numbers, one a line, or by both; without a name, it is called after what it asks.

    Raises RecallError for a file without serial numbers, a condition that cannot stand beside them, and a name that is no file name.
    """
    parts = [condition.strip()] if condition is not None else []
    if serials:
        if condition is not None:
            # By itself, before it is joined: what closes a bracket that it did not open would get round the list.
            columns_named(condition)
        parts.append(f"serial_number in ({', '.join(_text(serial) for serial in _listed(serials))})")
    text = parts[0] if len(parts) == 1 else " and ".join(f"({part}\n)" for part in parts)
    return Request(_checked(name or f"recall-{hashlib.sha256(text.encode()).hexdigest()[:8]}"), text)


def requested_by_notice(lake: Lake, notice_id: str, *, name: str | None = None) -> Request:
    """A recall of all units that a delivered notice speaks of. Raises RecallError, with the notices there are, for an unknown one."""
    every = lake.read(_NOTICES) if lake.exists(_NOTICES) else pl.DataFrame(schema=dict.fromkeys(_KEY, pl.String()))
    notices = every.filter(pl.col("notice_number").str.strip_chars() == notice_id.strip())
    if notices.is_empty():
        known = ", ".join(every["notice_number"].unique().sort()) or "none; they are delivered as landing/quality/recall_notices*.csv"
        raise RecallError(f"No recall notice is numbered {notice_id}; there is {known}")
    newest = notices.sort("_ingested_at", "_line").unique(_KEY, keep="last", maintain_order=True).sort(_KEY, nulls_last=True)
    parts = [f"({' and '.join(_conditions(row))})" for row in newest.iter_rows(named=True)]
    reasons = newest["reason"].drop_nulls().unique(maintain_order=True)
    return Request(_checked(name or notice_id.strip()), " or ".join(parts), notice_id.strip(), "; ".join(reasons) or None)


def _listed(path: Path) -> list[str]:
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise RecallError(f"{path} cannot be read as a list of serial numbers: {error}") from error
    if not (found := sorted({normalised(line) for line in lines if line.strip()})):
        raise RecallError(f"{path} lists no serial number; write one a line")
    return found


def _checked(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise RecallError(f"{name!r} cannot name a folder: use up to 64 letters, digits, dots, dashes and underscores")
    return name


def _conditions(row: dict[str, str | None]) -> Iterator[str]:
    """What one row of a notice demands of a unit: the article, and the range where there is one, else the batch."""
    yield f"article_id = {_text(normalised(row['article']))}"
    first, last = (normalised(row[end]) if (row[end] or "").strip() else None for end in ("serial_from", "serial_to"))
    if first or last:
        yield from _range(first or last, last or first)
    elif batch := (row["production_batch"] or "").strip():
        yield f"{_text(batch)} in (batch_id, master_batch_id)"


def _range(first: str, last: str) -> Iterator[str]:
    """From first to last as numbers behind a common beginning: as texts, A10 would lie before A9, and A1000 before A11."""
    if first == last:
        yield f"serial_number = {_text(first)}"
        return
    ends = [_NUMBERED.fullmatch(end) for end in (first, last)]
    if not all(ends) or ends[0][1] != ends[1][1]:
        yield f"length(serial_number) between {min(len(first), len(last))} and {max(len(first), len(last))}"
        yield f"serial_number between {_text(first)} and {_text(last)}"
    elif len(first) == len(last):
        yield f"length(serial_number) = {len(first)}"
        yield f"serial_number between {_text(first)} and {_text(last)}"
    else:
        beginning = ends[0][1]
        rest = f"substr(serial_number, {len(beginning) + 1})"
        yield f"starts_with(serial_number, {_text(beginning)})"
        yield f"try_cast({rest} as hugeint) between {int(ends[0][2])} and {int(ends[1][2])}"


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
