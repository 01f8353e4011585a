"""Schedules: the nightly flow, and what starts it besides the clock.

When things run belongs here; what they do does not. Times are UTC.
"""

import dagster as dg

from pipelines.contracts import published_contracts, source_contracts
from pipelines.defs.resources import RETRIES, WAREHOUSE_POOL, Lakehouse
from pipelines.ingest import MANIFEST, QUARANTINE, ensure_tables, new_files
from pipelines.live import EXTRACTIONS
from pipelines.models.accuracy import GROWN_BY_NIGHTS
from pipelines.publish import live_version, merge_nights, model_version, publication_facts, publish_scores, tidy_gold
from pipelines.warehouse import compact

LAYERS_WITHOUT_TRAINING = ["bronze", "manifest", "quarantine", "staging", "seeds", "intermediate", "marts", "learning", "gold"]
SCORED = [
    ["gold", name]
    for writer in ("models", "feeds", "rollout", "replenishment", "intraday", "view")
    for name in published_contracts(written_by=writer)
]
LAKE_LAYERS = dg.AssetSelection.key_prefixes(*[[layer] for layer in LAYERS_WITHOUT_TRAINING]) - dg.AssetSelection.assets(*SCORED)

# Reading live systems is a job of its own: one that is down stops no night.
nightly = dg.define_asset_job(
    "nightly",
    dg.AssetSelection.all() - dg.AssetSelection.key_prefixes(["landing"]),
    description="Everything: take new files, build all facts, publish.",
)
facts = dg.define_asset_job(
    "facts", LAKE_LAYERS, description="Take new files, build all facts, publish; no training: for a person who cannot wait for the night."
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
    """Merge the small files that nights leave in bronze; remove what neither the newest nor the published version names, and what
    deleted rows hold of the warehouse.
    """
    with lakehouse.writing() as home:
        lake = lakehouse.lake()
        taken_in = [*(f"bronze/{table}" for table in source_contracts()), MANIFEST, QUARANTINE]
        for table in [*taken_in, *[EXTRACTIONS] * lake.exists(EXTRACTIONS)]:
            # Freed after each table, so that files are taken in meanwhile.
            with home.ingest_lock():
                lake.compact(table)
                lake.vacuum(table)
            context.log.info(f"{table}: version {lake.version(table)}")
        for table in (f"{layer}/{name}" for layer, name in GROWN_BY_NIGHTS if lake.exists(f"{layer}/{name}")):
            lake.compact(table)
        publish_scores(home, lake, published_contracts(), [name for layer, name in GROWN_BY_NIGHTS if layer == "gold"], now=lakehouse.now())
        merged = merge_nights(home, lake, published_contracts(), now=lakehouse.now())
        context.log.info(f"nights merged: {', '.join(merged) or 'none'}")
        tidy_gold(home, lake)
        if home.warehouse.exists():
            before, after = compact(home.warehouse)
            context.log.info(f"warehouse: {before / 2**20:,.0f} MiB in use, {after / 2**20:,.0f} MiB afterwards")


@dg.job(description="House-keeping: small files of Delta tables merged, outdated files removed, the warehouse compacted.")
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
    job=nightly,
    minimum_interval_seconds=60,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Starts the nightly job where no facts are published yet, or where they were built by other models or lie elsewhere.",
)
def night_sensor(lakehouse: Lakehouse) -> dg.RunRequest | dg.SkipReason:
    """The first night need not wait for 02:30; nor need one that has to build everything anew. All other files are live without it."""
    home, lake = lakehouse.home(), lakehouse.lake()
    facts = publication_facts(home)
    if (facts.get("home"), facts.get("model_version")) == (str(home.root), model_version()):
        return dg.SkipReason("facts are published; what lands is live, and the next night builds on it")
    try:
        with home.writer_lock(timeout=0):
            pass
    except TimeoutError:
        return dg.SkipReason("a run is writing")
    ensure_tables(lake, source_contracts())
    files, _ = new_files(home, lake)
    if not files and lake.row_count(MANIFEST) == 0:
        return dg.SkipReason("nothing has landed yet")
    # Once for each state of the lake: what a contract holds back waits for a person.
    return dg.RunRequest(run_key=f"{live_version(lake, lake.rows_version(MANIFEST))}/{model_version()}")
