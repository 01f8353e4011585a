"""The ledger's benchmark, its builds: by dbt, and by SQL written by hand over the same Delta tables."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import duckdb

from pipelines.home import Home, project_root
from pipelines.lake import Lake

__all__ = ["build", "build_by_hand", "must_agree", "run_dbt"]

_MODELS = "+serials +serial_stays"
_HERE = Path(__file__).parent
_MEMORY = os.environ.get("SERIALAKE_MEMORY", "5GB")
_BUCKET_RECORDS = 8_000_000
_SAME = {
    "serials": [
        "article_id", "serial_number", "status_code", "unit_state", "site_id", "storage_location_id", "stock_type_code",
        "special_stock_code", "batch_id", "vendor_id", "customer_id", "first_movement_date", "last_movement_date", "last_moved_at",
        "last_movement_type", "last_document_id", "movement_count", "conflict_count",
    ],
    "serial_stays": [
        "article_id", "serial_number", "stay_number", "unit_state", "site_id", "storage_location_id", "stock_type_code",
        "special_stock_code", "vendor_id", "customer_id", "is_current", "valid_from_at", "valid_to_at",
    ],
    "serial_movements": [
        "article_id", "serial_number", "sequence_number", "document_id", "movement_type", "from_site_id", "from_storage_location_id",
        "to_site_id", "to_storage_location_id", "unit_state", "status_code", "stock_type_code", "special_stock_code", "batch_id",
        "valuation_type", "vendor_id", "customer_id", "witness_count", "witness_names", "is_reversal", "movement_date", "moved_at",
    ],
}  # fmt: skip

_MEASURED = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(used.ru_maxrss, used.ru_utime + used.ru_stime)
"""
"""A small process starts dbt and measures it: a process counts as its own what the one that started it had in memory."""


def build(home: Home) -> dict:
    """Figures of one dbt build of the ledger, full or of what is new: seconds in all and by model, peak memory, size."""
    if not home.warehouse.exists():
        run_dbt(home, "seed")
    seconds, processor, peak = run_dbt(home, "build", "--exclude-resource-type", "test", "unit_test", "seed", "--select", *_MODELS.split())
    results = json.loads((_target(home) / "run_results.json").read_text(encoding="utf-8"))["results"]
    models = {each["unique_id"].rsplit(".", 1)[-1]: round(each["execution_time"], 1) for each in results if each["execution_time"] > 1}
    return {
        "build_seconds": round(seconds, 1),
        "processor_seconds": round(processor, 1),
        "peak_gib": round(peak / 2**20, 2),
        "warehouse_bytes": home.warehouse.stat().st_size,
        "models": dict(sorted(models.items(), key=lambda pair: -pair[1])),
    }


def build_by_hand(home: Home, lake: Lake) -> dict:
    """Figures of the hand-written SQL."""
    target = home.root / "by_hand.duckdb"
    target.unlink(missing_ok=True)
    once, in_buckets = ((_HERE / name).read_text(encoding="utf-8") for name in ("ledger_by_hand_records.sql", "ledger_by_hand.sql"))
    with duckdb.connect(str(target)) as connection:
        connection.execute("load delta")
        connection.execute(f"set memory_limit = '{_MEMORY}'; set preserve_insertion_order = false")
        seed = project_root() / "dbt_project" / "seeds" / "movement_types.csv"
        typed = "* replace (is_reversal = 'true' as is_reversal, sequence_number::integer as sequence_number)"
        connection.execute(f"create temp table movement_types as select {typed} from read_csv('{seed}', all_varchar = true)")
        begin, processor = time.perf_counter(), time.process_time()
        for variable, table in (("goods_movements", "sap/goods_movements"), ("scans", "handheld/scans")):
            connection.execute(f"set variable {variable} = '{lake.path(f'bronze/{table}')}'")
        connection.execute(once)
        cleaned = time.perf_counter() - begin
        records = connection.execute("select count(*) from records").fetchone()[0]
        buckets = records // _BUCKET_RECORDS + 1
        for bucket in range(buckets):
            bounds = [2**64 * (bucket + at) // buckets - at for at in (0, 1)]
            connection.execute(f"set variable first_unit_hash = {bounds[0]}::ubigint; set variable last_unit_hash = {bounds[1]}::ubigint")
            connection.execute(in_buckets)
        seconds, processor = time.perf_counter() - begin, time.process_time() - processor
    return {
        "build_seconds": round(seconds, 1),
        "processor_seconds": round(processor, 1),
        "records_seconds": round(cleaned, 1),
        "buckets": buckets,
    }


def must_agree(home: Home) -> dict:
    """Rows of each table; the two ways must give the same tables, or their times say nothing."""
    found = {}
    with duckdb.connect(str(home.root / "by_hand.duckdb")) as connection:
        connection.execute(f"attach '{home.warehouse}' as warehouse (read_only)")
        for table, columns in _SAME.items():
            hashed = f"count(*), bit_xor(hash({', '.join(columns)})), sum(hash({', '.join(columns)}))::varchar"
            ours, theirs = (
                connection.execute(f"select {hashed} from {name}").fetchone() for name in (f"warehouse.marts.{table}", f"{table}_by_hand")
            )
            if ours != theirs:
                raise AssertionError(f"{table}: the project and the hand-written SQL differ: {ours} and {theirs}")
            found[table] = ours[0]
    (home.root / "by_hand.duckdb").unlink()
    return found


def _target(home: Home) -> Path:
    return home.root / "dbt_target"


def run_dbt(home: Home, *arguments: str) -> tuple[float, float, int]:
    """Seconds of one dbt command, by the clock and of its processors, and its peak memory in KiB."""
    environment = os.environ | {"SERIALAKE_HOME": str(home.root), "SERIALAKE_MEMORY": _MEMORY}
    dbt = [str(Path(sys.executable).with_name("dbt")), "--quiet", *arguments, "--profiles-dir", ".", "--target-path", str(_target(home))]
    command = [sys.executable, "-c", _MEASURED, *dbt, "--log-path", str(_target(home))]
    begin = time.perf_counter()
    done = subprocess.run(command, cwd=project_root() / "dbt_project", env=environment, check=True, stdout=subprocess.PIPE, text=True)
    peak, processor = done.stdout.splitlines()[-1].split()
    return time.perf_counter() - begin, float(processor), int(peak)
