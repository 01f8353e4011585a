"""The ledger's benchmark: built by dbt from bronze, against one hand-written SQL over the same Delta table; then a night; then look-ups."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path

import duckdb
import polars as pl

from pipelines.contracts import published_contracts, source_contracts
from pipelines.home import Home, project_root
from pipelines.ingest import ensure_tables
from pipelines.lake import Lake
from pipelines.publish import publish
from pipelines.warehouse import install_delta_extension, reading
from tests.benchmarks.ledger_rows import append_goods_movements, goods_movements

__all__ = ["ledger_rows"]

_MODELS = "+serials +serial_stays"
_LOOK_UPS = 200
_SAME = {
    "serials": [
        "article_id", "serial_number", "status_code", "unit_state", "site_id", "storage_location_id", "stock_type_code", "batch_id",
        "vendor_id", "customer_id", "first_movement_date", "last_movement_date", "last_moved_at", "last_movement_type",
        "last_document_id", "movement_count", "conflict_count",
    ],
    "serial_stays": [
        "article_id", "serial_number", "stay_number", "unit_state", "site_id", "storage_location_id", "stock_type_code", "vendor_id",
        "customer_id", "is_current", "valid_from_at", "valid_to_at",
    ],
}  # fmt: skip


def ledger_rows(folder: Path, movements: int) -> list[dict]:
    """Rows of the table of figures: full build, peak memory, a night of 1 %, and look-ups."""
    home = Home(folder / "home").prepare()
    lake = Lake(home.lake)
    install_delta_extension()
    ensure_tables(lake, source_contracts())
    rows = goods_movements(movements)
    append_goods_movements(lake, rows, first_moment="2026-01-01T02:00:00", name="base")
    _dbt(home, "seed")
    by_hand = _by_hand(home, lake)
    full, peak = _dbt(home, "build", "--exclude-resource-type", "test", "unit_test", "seed", "--select", *_MODELS.split())
    _must_agree(home)
    night = goods_movements(movements // 100, first_unit=rows.height, seed=8, first_day="2025-12-01")
    # Half of a night's movements are of units that were there before.
    known = rows.sample(movements // 200, seed=9).with_columns(
        docnum=pl.concat_str(pl.lit("8"), pl.col("docnum").str.slice(1)),
        ref_doc_no=pl.concat_str(pl.lit("N"), "ref_doc_no"),
        move_type=pl.lit("311"),
        move_stloc=pl.lit("0002"),
    )
    append_goods_movements(lake, pl.concat([night.head(movements // 200), known]), first_moment="2026-06-01T02:00:00", name="night")
    increment, _ = _dbt(home, "build", "--exclude-resource-type", "test", "unit_test", "seed", "--select", *_MODELS.split())
    median, high = _look_ups(home, lake)
    return [
        {
            "what": f"build the ledger from {rows.height / 1e6:.1f} million bronze movements (dbt)",
            "measured": f"{full:.0f} s, peak {peak / 2**20:.1f} GiB",
            "baseline": f"one hand-written SQL, {by_hand:.0f} s",
            "ratio": f"{full / by_hand:.2f}",
        },
        {
            "what": "a night of 1 % new movements (dbt)",
            "measured": f"{increment:.0f} s",
            "baseline": "full build",
            "ratio": f"{increment / full:.2f}",
        },
        {
            "what": "look up one unit, card and history",
            "measured": f"median {median:.0f} ms, p95 {high:.0f} ms",
            "baseline": "",
            "ratio": "",
        },
    ]


_MEASURED = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""
"""A small process starts dbt and measures it: a process counts as its own what the one that started it had in memory."""


def _dbt(home: Home, *arguments: str) -> tuple[float, int]:
    """Seconds of one dbt command, and its peak memory in KiB."""
    environment = os.environ | {"SERIALAKE_HOME": str(home.root)}
    target = str(home.root / "dbt_target")
    dbt = [str(Path(sys.executable).with_name("dbt")), "--quiet", *arguments, "--profiles-dir", ".", "--target-path", target]
    command = [sys.executable, "-c", _MEASURED, *dbt, "--log-path", target]
    begin = time.perf_counter()
    done = subprocess.run(command, cwd=project_root() / "dbt_project", env=environment, check=True, stdout=subprocess.PIPE, text=True)
    return time.perf_counter() - begin, int(done.stdout.splitlines()[-1])


def _by_hand(home: Home, lake: Lake) -> float:
    sql = Path(__file__).with_name("ledger_by_hand.sql").read_text(encoding="utf-8")
    with duckdb.connect(str(home.root / "by_hand.duckdb")) as connection:
        connection.execute("load delta")
        connection.execute("set memory_limit = '8GB'; set preserve_insertion_order = false")
        connection.execute(f"attach '{home.warehouse}' as warehouse (read_only)")
        connection.execute("create temp table movement_types as from warehouse.seeds.movement_types")
        connection.execute("detach warehouse")
        begin = time.perf_counter()
        connection.execute(f"set variable goods_movements = '{lake.path('bronze/sap/goods_movements')}'")
        connection.execute(sql)
        return time.perf_counter() - begin


def _must_agree(home: Home) -> None:
    """The two ways must give the same tables, or their times say nothing."""
    with duckdb.connect(str(home.root / "by_hand.duckdb")) as connection:
        connection.execute(f"attach '{home.warehouse}' as warehouse (read_only)")
        for table, columns in _SAME.items():
            hashed = f"count(*), bit_xor(hash({', '.join(columns)})), sum(hash({', '.join(columns)}))::varchar"
            ours, theirs = (
                connection.execute(f"select {hashed} from {name}").fetchone() for name in (f"warehouse.marts.{table}", f"{table}_by_hand")
            )
            if ours != theirs:
                raise AssertionError(f"{table}: the project and the hand-written SQL differ: {ours} and {theirs}")


def _look_ups(home: Home, lake: Lake) -> tuple[float, float]:
    """Median and 95th percentile, in milliseconds, of looking up a unit's card and history in the published file."""
    ledger = {name: contract for name, contract in published_contracts().items() if name in ("serials", "serial_movements", "serial_stays")}
    publish(home, lake, ledger, now=datetime(2026, 7, 1))
    with reading(home.published) as connection:
        serials = connection.execute("select serial_number from serials using sample reservoir(210 rows) repeatable (7)").fetchall()
        taken = []
        for (serial,) in serials:
            begin = time.perf_counter()
            connection.execute("select * from serials where serial_number = ?", [serial]).fetchall()
            connection.execute("select * from serial_movements where serial_number = ? order by sequence_number", [serial]).fetchall()
            taken.append(1000 * (time.perf_counter() - begin))
    ordered = sorted(taken[-_LOOK_UPS:])
    return ordered[len(ordered) // 2], ordered[int(len(ordered) * 0.95)]
