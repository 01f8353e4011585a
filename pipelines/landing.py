"""Landing: which delivered files are complete, and which of them are new.

Looking at the folder belongs here; reading what is in the files does not (pipelines/sources).
Files are never moved, changed or deleted. See README.md, section "Bring your own files".
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

__all__ = ["UNFINISHED_SUFFIXES", "DeliveredFile", "content_sha256", "delivered_files", "still_same"]

UNFINISHED_SUFFIXES = (".part", ".partial", ".tmp", ".filepart", ".crdownload", ".writing", "~")
"""Endings that transfer programs give to a file until it is whole."""

_EPOCH = datetime(1970, 1, 1)


@dataclass(frozen=True, order=True)
class DeliveredFile:
    """One complete file below landing/: name with forward slashes, size in bytes, modification time (UTC)."""

    name: str
    path: Path
    size: int
    modified_at: datetime


def delivered_files(landing: Path, *, settle_seconds: float) -> tuple[list[DeliveredFile], list[str]]:
    """Complete files in name order, and the names of files still being written.

    A file is still being written when its ending says so, or when its size or time changes between two looks that are
    `settle_seconds` apart. The second look is taken only where a file is younger than that.
    Folders that are linked into landing/ are looked into, wherever they lie; a file is named by the way that leads to it.
    """
    candidates, unfinished = [], []
    for path in sorted(_files(landing)):
        name = _name(path.relative_to(landing))
        # Hidden files, and files in a hidden folder, are not delivered.
        if name.startswith(".") or "/." in name:
            continue
        if name.lower().endswith(UNFINISHED_SUFFIXES):
            unfinished.append(name)
        elif seen := _look(name, path):
            candidates.append(seen)
    young_after = time.time() - settle_seconds
    young = [f for f in candidates if (f.modified_at - _EPOCH).total_seconds() > young_after]
    if young:
        time.sleep(settle_seconds)
    changed = {f.name for f in young if not still_same(f)}
    return [f for f in candidates if f.name not in changed], sorted([*unfinished, *changed])


def content_sha256(path: Path) -> str:
    """SHA-256 of the file's bytes, hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def still_same(file: DeliveredFile) -> bool:
    """Whether the file is still as it was when it was listed."""
    return _look(file.name, file.path) == file


def _files(folder: Path, above: frozenset[tuple[int, int]] = frozenset()) -> Iterator[Path]:
    """Regular files below a folder, links followed; a folder within itself, as a link makes it, is not entered again."""
    try:
        stat = folder.stat()
        entries = list(os.scandir(folder))
    except OSError:
        return  # Gone again, or not ours to look into: no delivery.
    inside = above | {(stat.st_dev, stat.st_ino)}
    for entry in entries:
        with suppress(OSError):  # A link to itself.
            if entry.is_file():
                yield Path(entry.path)
            elif entry.is_dir() and _identity(entry) not in inside:
                yield from _files(Path(entry.path), inside)


def _identity(entry: os.DirEntry) -> tuple[int, int]:
    stat = entry.stat()
    return stat.st_dev, stat.st_ino


def _name(path: Path) -> str:
    """The path as text; bytes that are not UTF-8, as old transfer programs write them, show as \\xff."""
    return os.fsencode(path.as_posix()).decode("utf-8", "backslashreplace")


def _look(name: str, path: Path) -> DeliveredFile | None:
    """The file as it is now; None where it was taken away meanwhile."""
    try:
        stat = path.stat()
    except FileNotFoundError:
        return None
    return DeliveredFile(name, path, stat.st_size, _EPOCH + timedelta(microseconds=stat.st_mtime_ns // 1000))
