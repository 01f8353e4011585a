"""The readers' benchmark: IDocs to typed records, and on to bronze, against a bare scan of the same bytes.

XML is scanned by lxml.iterparse; a flat file is decoded and split, into its records and these into the fields of their layouts.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from operator import itemgetter
from pathlib import Path

from lxml import etree

from pipelines.contracts import source_contracts
from pipelines.home import Home
from pipelines.ingest import ensure_tables, ingest
from pipelines.lake import Lake
from pipelines.sources import extract
from pipelines.sources.idoc.layouts import DATA_STARTS, SegmentLayout, shipped_layouts
from pipelines.sources.idoc.reader import read_idocs
from pipelines.sources.idoc.tree import Idoc, Segment
from pipelines.sources.idoc.writer import write_flat

__all__ = ["idoc_rows"]


def idoc_rows(landing: Path, folder: Path) -> list[dict]:
    """Rows of the table of figures: the largest goods movements file, the ten largest, and two hundred small files of all kinds."""
    files = sorted((landing / "sap" / "idoc").glob("*.xml"), key=lambda path: (path.stat().st_size, path.name))
    large = sorted(landing.rglob("mbgmcr_*.xml"), key=lambda path: path.stat().st_size)[-10:]
    largest = large[-1]
    contracts = source_contracts()
    bare = min(_seconds(lambda: _scan([largest])) for _ in range(3))
    reading = min(_seconds(lambda: extract(largest, f"sap/idoc/{largest.name}", contracts=contracts)) for _ in range(3))
    storing = min(_to_bronze([largest], folder / f"large{number}") for number in range(3))
    night = min(_to_bronze(large, folder / f"night{number}") for number in range(2))
    small = files[len(files) // 4 :: max(1, len(files) // 200)][:200]
    size = largest.stat().st_size / 1e6
    return [
        _row(f"read IDoc XML to typed records ({size:.0f} MB)", size, reading, bare),
        _row(f"read IDoc XML to bronze ({size:.0f} MB)", size, storing, bare),
        _row(
            f"the same, {len(large)} such files",
            sum(path.stat().st_size for path in large) / 1e6,
            night,
            min(_seconds(lambda: _scan(large)) for _ in range(2)),
        ),
        _row(
            f"read {len(small)} small IDocs to bronze",
            sum(path.stat().st_size for path in small) / 1e6,
            _to_bronze(small, folder / "small"),
            _seconds(lambda: _scan(small)),
        ),
        _flat_row(largest, folder),
    ]


def _flat_row(largest: Path, folder: Path) -> dict:
    """The same IDocs as a flat file."""
    flat = folder / "largest.txt"
    known = shipped_layouts().segments
    flat.write_bytes(write_flat([_writable(idoc, known) for idoc in read_idocs(largest)]))
    bare = min(_seconds(lambda: _split(flat)) for _ in range(3))
    reading = min(_seconds(lambda: extract(flat, "sap/idoc/largest.txt", contracts=source_contracts())) for _ in range(3))
    size = flat.stat().st_size / 1e6
    return {**_row(f"read flat IDocs to typed records ({size:.0f} MB)", size, reading, bare), "baseline": "decode and split into fields"}


def _writable(idoc: Idoc, known: Mapping[str, SegmentLayout]) -> Idoc:
    """The IDoc without what no layout describes."""

    def within(segment: Segment) -> Segment:
        fields = {name: text for name, text in segment.fields.items() if name in known[segment.name].fields}
        return Segment(segment.name, 0, fields, [within(child) for child in segment.children if child.name in known])

    idoc.control, idoc.segments = within(idoc.control), [within(segment) for segment in idoc.segments]
    return idoc


def _split(path: Path) -> None:
    layouts, cuts = shipped_layouts(), {}
    for record in path.read_bytes().decode().split("\r\n"):
        name = record[:30]
        if name not in cuts:
            layout = layouts.find(name.strip())[1]
            places = layout.fields.values() if layout else ()
            cuts[name] = itemgetter(slice(49, 55), slice(55, 61), *(slice(start + DATA_STARTS, end + DATA_STARTS) for start, end in places))
        cuts[name](record)


def _row(what: str, megabytes: float, seconds: float, baseline: float) -> dict:
    return {
        "what": what,
        "measured": f"{megabytes / seconds:.0f} MB/s",
        "baseline": "bare lxml.iterparse",
        "ratio": f"{seconds / baseline:.2f}",
    }


def _seconds(job: Callable[[], object]) -> float:
    begin = time.perf_counter()
    job()
    return time.perf_counter() - begin


def _scan(paths: Sequence[Path]) -> None:
    for path in paths:
        for _, element in etree.iterparse(str(path), events=("end",)):
            element.clear()


def _to_bronze(paths: Sequence[Path], root: Path) -> float:
    """Seconds to take the files into an empty lake, whose tables are there."""
    home = Home(root).prepare()
    for path in paths:
        shutil.copy2(path, home.landing / path.name)
    lake, contracts = Lake(home.lake), source_contracts()
    ensure_tables(lake, contracts)
    return _seconds(lambda: ingest(home, lake, contracts, now=datetime(2026, 6, 1)))
