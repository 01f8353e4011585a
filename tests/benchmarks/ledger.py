"""The ledger's benchmark, stage by stage: `python -m tests.benchmarks.ledger --folder F --movements 100000000`.

Each stage writes its figures as a line of F/figures.jsonl when it is done, and can be run alone: what it needs of the stages before it
lies in the folder. A stage that was broken off is run again from its beginning; `--stages` names those to run.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import polars as pl
from rich.console import Console

from pipelines.contracts import source_contracts
from pipelines.home import Home
from pipelines.ingest import ensure_tables
from pipelines.lake import Lake
from pipelines.summary import table_of
from pipelines.warehouse import install_delta_extension
from tests.benchmarks.ledger_building import build, build_by_hand, must_agree
from tests.benchmarks.ledger_reading import as_of, look_ups, published, spark_against_duckdb
from tests.benchmarks.ledger_rows import Lives, append_delivery

__all__ = ["STAGES", "ledger_rows", "run_stages"]

UNITS_PER_DAY = 14_000
"""Units received a day by a retailer of the size that the benchmark stands for: with them a longer history is just that."""
_TABLES = ("sap/goods_movements", "handheld/scans")


def ledger_rows(folder: Path, movements: int) -> list[dict]:
    """Rows of the table of figures, after all stages but Spark's were run; a night brings 1 %."""
    return table_rows(run_stages(folder, movements, movements // 100, _USUAL))


def run_stages(folder: Path, movements: int, night: int, stages: tuple[str, ...]) -> dict[str, dict]:
    """Figures by stage: those run now, and those that the folder holds of earlier ones."""
    folder.mkdir(parents=True, exist_ok=True)
    kept = folder / "figures.jsonl"
    home = Home(folder / "home").prepare()
    lake = Lake(home.lake)
    install_delta_extension()
    ensure_tables(lake, source_contracts())
    for stage in stages:
        begin = time.perf_counter()
        figures = STAGES[stage](home, lake, movements, night)
        line = {"stage": stage, "seconds": round(time.perf_counter() - begin, 1), **figures}
        with kept.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(line) + "\n")
        print(json.dumps(line), flush=True)
    lines = [json.loads(line) for line in kept.read_text(encoding="utf-8").splitlines()]
    return {line["stage"]: line for line in lines}


def _generate(home: Home, lake: Lake, movements: int, night: int) -> dict:
    """The base into bronze, and what the night will bring as Parquet files beside it."""
    lives = Lives(min(UNITS_PER_DAY, max(50, movements // 700)))
    made = window = scanned = 0
    begin = time.perf_counter()
    while made < movements:
        goods, scans = lives.next_window()
        goods = goods.head(movements - made)
        append_delivery(lake, dict(zip(_TABLES, (goods, scans), strict=True)), moment=_moment(window), name=f"base-{window:04d}")
        made, scanned, window = made + goods.height, scanned + scans.height, window + 1
        if window % 10 == 0:
            print(f"{made:,} movements of {lives.units:,} units, {made / (time.perf_counter() - begin):,.0f}/s", flush=True)
    parts = {table: [] for table in _TABLES}
    while (height := sum(part.height for part in parts[_TABLES[0]])) < night * 98 // 100:
        for table, rows in zip(_TABLES, lives.next_window(), strict=True):
            parts[table].append(rows)
    parts[_TABLES[0]] = [pl.concat(parts[_TABLES[0]]).head(night * 98 // 100), lives.some_old(night * 2 // 100)]
    folder = home.root.parent / "night"
    folder.mkdir(exist_ok=True)
    for table, rows in parts.items():
        pl.concat(rows).write_parquet(folder / f"{table.replace('/', '-')}.parquet")
    bronze = sum(_size(lake.path(f"bronze/{table}")) for table in _TABLES)
    return {"movements": made, "scans": scanned, "units": lives.units, "bronze_bytes": bronze, "night": height}


def _moment(minute: int) -> str:
    """Moments of ingestion of the base: minutes of one day."""
    return f"2026-01-01T{minute // 60:02d}:{minute % 60:02d}:00"


def _night(home: Home, lake: Lake, movements: int, night: int) -> dict:
    """What a night costs: the ledger's increments, and bringing them to the published file."""
    folder = home.root.parent / "night"
    rows = {table: pl.read_parquet(folder / f"{table.replace('/', '-')}.parquet") for table in _TABLES}
    append_delivery(lake, rows, moment="2026-06-01T02:00:00", name="night")
    built = build(home)
    shown = published(home, lake)
    return {"movements": rows[_TABLES[0]].height, **built, "publish": shown, "look_ups": look_ups(home)}


STAGES: Mapping[str, Callable[[Home, Lake, int, int], dict]] = {
    "generate": _generate,
    "build": lambda home, lake, movements, night: build(home),
    "by-hand": lambda home, lake, movements, night: build_by_hand(home, lake),
    "agree": lambda home, lake, movements, night: must_agree(home),
    "publish": lambda home, lake, movements, night: published(home, lake),
    "look-ups": lambda home, lake, movements, night: look_ups(home),
    "as-of": lambda home, lake, movements, night: as_of(home),
    "night": _night,
    "spark": lambda home, lake, movements, night: spark_against_duckdb(home),
}
"""What each stage does, by its name, in their order."""
_USUAL = tuple(stage for stage in STAGES if stage != "spark")
"""Spark is an extra that not everybody installs."""


def table_rows(figures: Mapping[str, dict]) -> list[dict]:
    """Rows of the table of figures, out of what the stages have measured."""
    rows = []

    def row(what: str, measured: str, baseline: str = "", ratio: float | None = None) -> None:
        rows.append({"what": what, "measured": measured, "baseline": baseline, "ratio": "" if ratio is None else f"{ratio:.2f}"})

    base, built = figures["generate"], figures.get("build")
    if built:
        by_hand = figures.get("by-hand", {}).get("build_seconds")
        row(
            f"build the ledger from {base['movements'] / 1e6:.0f} million movements of {base['units'] / 1e6:.1f} million units (dbt)",
            f"{built['build_seconds']:.0f} s, peak {built['peak_gib']:.1f} GiB",
            f"hand-written SQL, {by_hand:.0f} s" if by_hand else "",
            built["build_seconds"] / by_hand if by_hand else None,
        )
    if shown := figures.get("publish"):
        row("publish it, all anew", f"{shown['publish_seconds']:.0f} s")
        row("its serial_movements on disk", f"{shown['bytes_per_movement']:.1f} bytes per movement")
    if built and (night := figures.get("night")):
        row(
            f"a night of {night['movements'] / 1e6:.2f} million new movements (dbt)",
            f"{night['build_seconds']:.0f} s",
            "full build",
            night["build_seconds"] / built["build_seconds"],
        )
        row("publish that night", f"{night['publish']['publish_seconds']:.0f} s")
    for name, looked in (("", figures.get("look-ups")), (", after a night", figures.get("night", {}).get("look_ups"))):
        for what, told in _looked_up(looked or {}):
            row(f"look up one unit{what}{name}", told)
    if asked := figures.get("as-of"):
        row("stock of one site at a moment", f"{asked['as_of_seconds']:.2f} s")
    for name in ("serials", "serial_stays"):
        if spark := figures.get("spark"):
            ours, theirs = spark[f"{name}_duckdb_seconds"], spark[f"{name}_spark_seconds"]
            row(f"{name} from serial_movements, DuckDB", f"{ours:.0f} s", f"Spark SQL local[2], {theirs:.0f} s", ours / theirs)
    return rows


def _looked_up(looked: Mapping[str, float]) -> list[tuple[str, str]]:
    kinds = {"'s card": "card_", ", card and history": ""} if looked else {}
    return [(what, f"median {looked[f'{kind}median_ms']:.0f} ms, p99 {looked[f'{kind}p99_ms']:.0f} ms") for what, kind in kinds.items()]


def _size(path: Path) -> int:
    return sum(each.stat().st_size for each in path.rglob("*") if each.is_file())


def main() -> None:
    """Run the stages asked for and print the table of all that the folder holds."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--folder", type=Path, required=True, help="where data and figures are kept")
    arguments.add_argument("--movements", type=lambda text: int(float(text)), default=10_000_000)
    arguments.add_argument("--night", type=lambda text: int(float(text)), default=1_000_000, help="new movements of a night")
    arguments.add_argument("--stages", nargs="+", choices=list(STAGES), default=list(_USUAL))
    given = arguments.parse_args()
    figures = run_stages(given.folder, given.movements, given.night, tuple(given.stages))
    Console(width=160).print(table_of("The ledger, measured", pl.DataFrame(table_rows(figures))))


if __name__ == "__main__":
    main()
