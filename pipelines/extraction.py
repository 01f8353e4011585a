"""Extraction: many delivered files, in groups that are read at once.

Grouping files belongs here; reading them does not (pipelines/sources).
One process reads all: two read 4,600 files of 200 MB no faster, since a group's records had to be sent from one to the other.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from pipelines.contracts import Contract
from pipelines.sources import ExtractedFiles, ExtractSettings, extract_all

__all__ = ["extract_in_groups"]

_GROUP_FILES, _GROUP_BYTES = 500, 4 * 1024 * 1024
"""Typing a group's IDocs costs hardly more than typing those of one small file; its records are in memory together."""

Job = tuple[Path, str]


def extract_in_groups(
    jobs: Sequence[Job],
    *,
    contracts: Mapping[str, Contract],
    mappings: Sequence[Contract] = (),
    settings: Sequence[ExtractSettings] = (),
    layouts: Path | None = None,
) -> ExtractedFiles:
    """What the files hold, given as path and name below landing/, in their order. Raises as `sources.extract` does."""
    parts, before = [], 0
    for group in _groups(jobs):
        read = extract_all(group, contracts=contracts, mappings=mappings, settings=settings, layouts=layouts)
        parts.append((read, range(before, before + len(group))))
        before += len(group)
    return ExtractedFiles.of(parts)


def _groups(jobs: Sequence[Job]) -> Iterator[list[Job]]:
    """The jobs in their order, in groups; a file larger than a group stands alone."""
    group: list[Job] = []
    held = 0
    for job in jobs:
        size = job[0].stat().st_size
        if group and (len(group) >= _GROUP_FILES or held + size > _GROUP_BYTES):
            yield group
            group, held = [], 0
        group.append(job)
        held += size
    if group:
        yield group
