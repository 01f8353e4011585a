"""Extraction: many delivered files at once, on all cores where that pays.

Grouping files and spreading the groups over processes belong here; reading does not (pipelines/sources).
Files are read in groups, since typing a group's IDocs costs hardly more than typing those of one small file.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path

from pipelines.contracts import Contract
from pipelines.sources import ExtractedFiles, extract_all

__all__ = ["extracting"]

_GROUP_FILES, _GROUP_BYTES = 500, 4 * 1024 * 1024
"""A group is read at once: its records, some thirty times their bytes while they are typed, are in memory together."""
_WORTH_A_POOL = 32 * 1024 * 1024
"""Bytes from which on starting processes (one to two seconds) costs less than it saves."""

Job = tuple[Path, str]
_ours: dict[str, object] = {}


@contextmanager
def extracting(
    size: int, contracts: Mapping[str, Contract], mappings: Sequence[Contract]
) -> Iterator[Callable[[Sequence[Job]], ExtractedFiles]]:
    """Yield a function from (path, name) pairs to what the files hold, in their order; `size` is the bytes that will come."""
    cores = os.cpu_count() or 1
    if size < _WORTH_A_POOL or cores == 1:
        yield lambda jobs: _together([extract_all(group, contracts=contracts, mappings=mappings) for group in _groups(jobs)])
        return
    with (
        _one_thread_each(),
        ProcessPoolExecutor(cores, mp_context=get_context("spawn"), initializer=_begin, initargs=(contracts, mappings)) as pool,
    ):
        yield lambda jobs: _together(list(pool.map(_extract, _groups(jobs))))


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


def _together(groups: Sequence[ExtractedFiles]) -> ExtractedFiles:
    """Groups put together, files in their order."""
    parts, before = [], 0
    for group in groups:
        parts.append((group, range(before, before + len(group.files))))
        before += len(group.files)
    return ExtractedFiles.of(parts)


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """Keep polars to one thread in the processes started meanwhile: the files are small, and every core has its own."""
    before = os.environ.get("POLARS_MAX_THREADS")
    os.environ["POLARS_MAX_THREADS"] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ["POLARS_MAX_THREADS"]
        else:
            os.environ["POLARS_MAX_THREADS"] = before


def _begin(contracts: Mapping[str, Contract], mappings: Sequence[Contract]) -> None:
    _ours.update(contracts=contracts, mappings=mappings)


def _extract(group: Sequence[Job]) -> ExtractedFiles:
    return extract_all(group, contracts=_ours["contracts"], mappings=_ours["mappings"])
