"""Extraction: many delivered files at once, on all cores where that pays.

Spreading files over processes belongs here; reading one file does not (pipelines/sources). Results come in the files' order.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path

from pipelines.contracts import Contract
from pipelines.sources import extract
from pipelines.sources.extracted import Extracted

__all__ = ["extracting"]

_WORTH_A_POOL = 64
"""Files from which on starting processes (about a second) costs less than it saves."""

Job = tuple[Path, str]
_ours: dict[str, object] = {}


@contextmanager
def extracting(
    files: int, contracts: Mapping[str, Contract], mappings: Sequence[Contract]
) -> Iterator[Callable[[Sequence[Job]], Iterator[Extracted]]]:
    """Yield a function from (path, name) pairs to what each file holds, in their order; `files` is how many will come."""
    cores = os.cpu_count() or 1
    if files < _WORTH_A_POOL or cores == 1:
        yield lambda jobs: (extract(path, name, contracts=contracts, mappings=mappings) for path, name in jobs)
        return
    with (
        _one_thread_each(),
        ProcessPoolExecutor(cores, mp_context=get_context("spawn"), initializer=_begin, initargs=(contracts, mappings)) as pool,
    ):
        yield lambda jobs: pool.map(_extract, jobs, chunksize=4)


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


def _extract(job: Job) -> Extracted:
    path, name = job
    return extract(path, name, contracts=_ours["contracts"], mappings=_ours["mappings"])
