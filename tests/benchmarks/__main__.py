"""Benchmarks: `python -m tests.benchmarks` prints what was measured, each beside its baseline of the same run.

Figures of one run are comparable with each other, and with nothing else: the machine they run on is shared. `--movements` sets
the size of the ledger's part, and the units of the recall's.
"""

from __future__ import annotations

import argparse
import os
import platform
import tempfile
import time
from pathlib import Path

import polars as pl
from rich.console import Console

from pipelines.simulator import SimulationConfig, World, simulate, write
from pipelines.summary import table_of
from tests.benchmarks.contract_checks import contract_check_rows
from tests.benchmarks.idoc_reading import idoc_rows
from tests.benchmarks.ledger import ledger_rows
from tests.benchmarks.recall import recall_rows
from tests.benchmarks.source_reading import source_rows

SCALE = 10


def _simulator(folder: Path) -> tuple[World, list[dict]]:
    begin = time.perf_counter()
    world = simulate(SimulationConfig(scale=SCALE))
    simulated = time.perf_counter()
    for name, frame in world.feeds.items():
        frame.write_parquet(folder / f"{name.replace('/', '-')}.parquet")
    parquet = time.perf_counter()
    write(world, folder / "landing", folder / "truth")
    written = time.perf_counter()
    rates = [world.movements / seconds for seconds in (simulated - begin, parquet - begin, written - parquet)]
    return world, [
        {"what": f"simulate {world.movements / 1e6:.1f} million movements", "measured": f"{rates[0]:,.0f}/s", "baseline": "", "ratio": ""},
        {
            "what": "simulate and write Parquet",
            "measured": f"{rates[1]:,.0f}/s",
            "baseline": "simulate alone",
            "ratio": f"{rates[0] / rates[1]:.2f}",
        },
        {
            "what": "write the systems' own files",
            "measured": f"{rates[2]:,.0f}/s",
            "baseline": "write Parquet",
            "ratio": f"{(written - parquet) / (parquet - simulated):.1f}",
        },
    ]


def _machine() -> str:
    names = [line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines() if "model name" in line]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{len(names)} cores ({names[0]}), {memory:.0f} GiB, Python {platform.python_version()}"


def main() -> None:
    """Run all benchmarks and print one table."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument(
        "--movements", type=lambda text: int(float(text)), default=10_000_000, help="size of the ledger's part, and units of the recall's"
    )
    movements = arguments.parse_args().movements
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _, rows = _simulator(folder)
        rows += idoc_rows(folder / "landing", folder)
        rows += source_rows(folder / "sources")
        rows += contract_check_rows()
        rows += ledger_rows(folder / "ledger", movements)
        rows += recall_rows(folder / "recall", movements)
    Console(width=160).print(table_of(_machine(), pl.DataFrame(rows)))


if __name__ == "__main__":
    main()
