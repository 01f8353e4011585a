"""Cut: one moment of the lake, up to which every file is whole in every table.

Files are taken in while a night builds. So a night notes, while nothing is taken in, up to which moment of ingestion the lake is
complete; its checks, its build and its publication speak of the rows up to then, and of no others. Later rows are shown by the
intraday run, and built by the next night. See pipelines/intraday/INTRADAY.md.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pipelines.home import Home, write_note
from pipelines.lake import Lake

__all__ = ["BEGINNING", "MANIFEST", "Cut", "cut_of", "newest_cut", "note_cut", "note_newest_cut", "noted_cut"]

MANIFEST = "manifest"
"""Delta table of delivered files: its newest row tells the newest moment of ingestion of a whole file."""
BEGINNING = datetime(1970, 1, 1)
"""Before anything was taken in."""


@dataclass(frozen=True)
class Cut:
    """The newest moment of ingestion of a whole file, UTC, and the Delta version of the manifest that tells it."""

    until: datetime
    manifest_version: int


def cut_of(lake: Lake) -> Cut:
    """The cut now; the ingest lock has to be held, or the manifest may already be ahead of what is read next."""
    newest = lake.read(MANIFEST, ["ingested_at"])["ingested_at"].max()
    return Cut(newest or BEGINNING, lake.rows_version(MANIFEST))


def newest_cut(home: Home, lake: Lake) -> Cut:
    """The cut after the last file was taken in; nobody need wait for the files that are being taken in now."""
    if noted := noted_cut(home.cut_note):
        return noted
    with home.ingest_lock():
        return note_newest_cut(home, lake)


def note_newest_cut(home: Home, lake: Lake) -> Cut:
    """Take the cut after files were taken in, and keep it for `newest_cut`; the ingest lock has to be held."""
    cut = cut_of(lake)
    note_cut(home.cut_note, cut)
    return cut


def note_cut(note: Path, cut: Cut) -> None:
    """Keep a cut for the steps that follow."""
    write_note(note, json.dumps({"until": cut.until.isoformat(), "manifest_version": cut.manifest_version}))


def noted_cut(note: Path) -> Cut | None:
    """The cut that was kept; None where there is none."""
    if not note.exists():
        return None
    kept = json.loads(note.read_text(encoding="utf-8"))
    return Cut(datetime.fromisoformat(kept["until"]), kept["manifest_version"])
