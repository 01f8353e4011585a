"""Benchmarks: `python -m tests.benchmarks` prints what was measured, each beside its baseline of the same run.

Figures of one run are comparable with each other, and with nothing else: the machine they run on is shared.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import polars as pl
from lxml import etree
from rich.console import Console

from pipelines.contracts import source_contracts
from pipelines.simulator import SimulationConfig, World, simulate, write
from pipelines.sources import extract
from pipelines.summary import table_of

SCALE = 10


def _seconds(job: Callable[[], object], repeats: int = 1) -> float:
    """The fastest of some runs."""
    taken = []
    for _ in range(repeats):
        begin = time.perf_counter()
        job()
        taken.append(time.perf_counter() - begin)
    return min(taken)


def _simulator(world: World, seconds: float, folder: Path) -> list[dict]:
    parquet = _seconds(lambda: [frame.write_parquet(folder / f"{name.replace('/', '-')}.parquet") for name, frame in world.feeds.items()])
    files = _seconds(lambda: write(world, folder / "landing", folder / "truth"))
    return [
        {"what": "simulate", "measured": f"{world.movements / seconds:,.0f} movements/s", "baseline": "", "ratio": ""},
        {
            "what": "simulate and write Parquet",
            "measured": f"{world.movements / (seconds + parquet):,.0f} movements/s",
            "baseline": "simulate alone",
            "ratio": f"{(seconds + parquet) / seconds:.2f}",
        },
        {
            "what": "write the systems' own files",
            "measured": f"{world.movements / files:,.0f} movements/s",
            "baseline": "write Parquet",
            "ratio": f"{files / parquet:.1f}",
        },
    ]


def _idoc_reading(folder: Path) -> dict:
    path = max((folder / "landing" / "sap" / "idoc").glob("mbgmcr_*.xml"), key=lambda p: p.stat().st_size)
    contracts = source_contracts()

    def bare() -> None:
        for _, element in etree.iterparse(str(path), events=("end",)):
            element.clear()

    baseline = _seconds(bare, repeats=3)
    reading = _seconds(lambda: extract(path, f"sap/idoc/{path.name}", contracts=contracts), repeats=3)
    size = path.stat().st_size / 1e6
    return {
        "what": f"read IDoc XML to typed records ({size:.0f} MB)",
        "measured": f"{size / reading:.0f} MB/s",
        "baseline": "bare lxml.iterparse",
        "ratio": f"{reading / baseline:.2f}",
    }


def main() -> None:
    """Run all benchmarks and print one table."""
    config = SimulationConfig(scale=SCALE)
    worlds: list[World] = []
    seconds = _seconds(lambda: worlds.append(simulate(config)))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rows = [*_simulator(worlds[0], seconds, folder), _idoc_reading(folder)]
    Console().print(table_of(f"{worlds[0].movements:,} movements", pl.DataFrame(rows)))


if __name__ == "__main__":
    main()
