"""Taking: one look into landing/, and the published file brought up to what it brought.

The order of the two belongs here, and how long a look goes on; each is done elsewhere (pipelines/ingest.py, pipelines/publish.py).
Broken off anywhere, the next look carries on: files that the manifest lacks are new, and what is not shown is shown.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from pipelines.contracts import Contract
from pipelines.home import Home
from pipelines.ingest import IngestResult, ensure_tables, ingest, new_files
from pipelines.intraday.refresh import Live
from pipelines.lake import Lake
from pipelines.landing import delivered_files
from pipelines.publish import is_live, publish_live
from pipelines.sources import read_extract_settings, read_mappings

__all__ = ["Look", "is_wanted", "looks", "take_in"]

_PAUSE_SECONDS = 1.0


@dataclass(frozen=True)
class Look:
    """What one look took in, and what the live tables show after it; None where no facts are published yet."""

    ingested: IngestResult
    live: Live | None


def is_wanted(home: Home, lake: Lake) -> bool:
    """Whether complete new files lie in landing/, or what was taken in is not shown yet."""
    files, _ = new_files(home, lake)
    return bool(files) or not is_live(home, lake)


def take_in(
    home: Home, lake: Lake, contracts: Mapping[str, Contract], published: Mapping[str, Contract], *, now: Callable[[], datetime]
) -> Look:
    """Take all complete new files into the lake, and show them. Raises ContractError for a user's contract that cannot be used."""
    settings, mappings = read_extract_settings(home.contracts, contracts), read_mappings(home.contracts)
    with home.ingest_lock():
        result = ingest(home, lake, contracts, mappings=mappings, settings=settings, now=now())
    return Look(result, publish_live(home, lake, published, now=now()))


def looks(
    home: Home,
    lake: Lake,
    contracts: Mapping[str, Contract],
    published: Mapping[str, Contract],
    *,
    now: Callable[[], datetime],
    idle_seconds: float,
    longest_seconds: float,
) -> Iterator[Look]:
    """Look at once, and then whenever files have come, until none has for `idle_seconds`, or `longest_seconds` are over.

    A process of its own takes seconds to start, longer than what it has to do: so one that has found a file waits for the next.
    """
    began = idle_since = time.monotonic()
    ensure_tables(lake, contracts)
    seen = None
    while True:
        # Looked at before it is taken in: what lands meanwhile shows as a difference at the next look.
        lying, _ = delivered_files(home.landing, settle_seconds=0)
        if (lying != seen or not is_live(home, lake)) and (seen is None or is_wanted(home, lake)):
            yield take_in(home, lake, contracts, published, now=now)
            idle_since = time.monotonic()
        seen = lying
        if time.monotonic() - idle_since >= idle_seconds or time.monotonic() - began >= longest_seconds:
            return
        time.sleep(_PAUSE_SECONDS)
