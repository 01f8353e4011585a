"""Schedules: the nightly flow, and the sensor that takes files minutes after they land.

When things run belongs here; what they do does not. Times are UTC.
"""

import hashlib

import dagster as dg

from pipelines.contracts import published_contracts, source_contracts
from pipelines.defs.resources import RETRIES, WAREHOUSE_POOL, Lakehouse
from pipelines.ingest import MANIFEST, QUARANTINE, ensure_tables, new_files
from pipelines.live import EXTRACTIONS
from pipelines.publish import is_current, merge_nights, model_version, tidy_gold

LAYERS_WITHOUT_TRAINING = ["bronze", "manifest", "quarantine", "staging", "seeds", "intermediate", "marts", "learning", "gold"]
SCORED = [["gold", name] for writer in ("models", "feeds") for name in published_contracts(written_by=writer)]
LAKE_LAYERS = dg.AssetSelection.key_prefixes(*[[layer] for layer in LAYERS_WITHOUT_TRAINING]) - dg.AssetSelection.assets(*SCORED)

# Reading live systems is a job of its own: one that is down stops no night.
nightly = dg.define_asset_job(
    "nightly",
    dg.AssetSelection.all() - dg.AssetSelection.key_prefixes(["landing"]),
    description="Everything: take new files, build all facts, publish.",
)
intraday = dg.define_asset_job(
    "intraday", LAKE_LAYERS, description="Take new files, bring ledger and stock up to date, publish; no training."
)

nightly_schedule = dg.ScheduleDefinition(
    name="nightly_schedule",
    job=nightly,
    cron_schedule="30 2 * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Every night at 02:30 UTC, after the last feed's cut-off.",
)


@dg.op(pool=WAREHOUSE_POOL, retry_policy=RETRIES)
def tidy_tables(context: dg.OpExecutionContext, lakehouse: Lakehouse) -> None:
    """Merge the small files that nights leave in bronze; remove what neither the newest nor the published version names."""
    with lakehouse.writing() as home:
        lake = lakehouse.lake()
        for table in [
            *(f"bronze/{table}" for table in source_contracts()),
            MANIFEST,
            QUARANTINE,
            *[EXTRACTIONS] * lake.exists(EXTRACTIONS),
        ]:
            lake.compact(table)
            lake.vacuum(table)
            context.log.info(f"{table}: version {lake.version(table)}")
        merged = merge_nights(home, lake, published_contracts(), now=lakehouse.now())
        context.log.info(f"nights merged: {', '.join(merged) or 'none'}")
        tidy_gold(home, lake)


@dg.job(description="House-keeping of the Delta tables: small files merged, outdated files removed.")
def weekly_housekeeping() -> None:
    """One step over all tables."""
    tidy_tables()


weekly_schedule = dg.ScheduleDefinition(
    name="weekly_schedule",
    job=weekly_housekeeping,
    cron_schedule="0 5 * * 0",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Sundays at 05:00 UTC.",
)


@dg.sensor(
    job=intraday,
    minimum_interval_seconds=60,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Starts the intraday job when complete new files lie in landing/.",
)
def landing_sensor(lakehouse: Lakehouse) -> dg.RunRequest | dg.SkipReason:
    """One run for each new set of files; none while a run is writing."""
    home = lakehouse.home()
    try:
        with home.writer_lock(timeout=0):
            pass
    except TimeoutError:
        return dg.SkipReason("a run is writing; it takes what has landed")
    lake = lakehouse.lake()
    ensure_tables(lake, source_contracts())
    files, _ = new_files(home, lake)
    if not files and (lake.row_count(MANIFEST) == 0 or is_current(home, lake)):
        return dg.SkipReason("nothing new in landing/, and all that was loaded is published")
    if not files:
        # A run broke off after it had loaded its files: what it left is published by one more.
        return dg.RunRequest(run_key=f"unpublished/{lake.rows_version(MANIFEST)}/{model_version()}")
    identity = hashlib.sha256("\n".join(new.copy_id for new in files).encode()).hexdigest()
    return dg.RunRequest(run_key=identity, tags={"serialake/new_files": str(len(files))})
