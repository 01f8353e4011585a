"""Schedules: the nightly flow, and the sensor that takes files minutes after they land.

When things run belongs here; what they do does not. Times are UTC.
"""

import hashlib

import dagster as dg

from pipelines.contracts import source_contracts
from pipelines.defs.resources import Lakehouse
from pipelines.ingest import ensure_tables, new_files

LAYERS_WITHOUT_TRAINING = ["bronze", "manifest", "quarantine", "staging", "seeds", "intermediate", "marts", "gold"]
LAKE_LAYERS = dg.AssetSelection.key_prefixes(*[[layer] for layer in LAYERS_WITHOUT_TRAINING])

nightly = dg.define_asset_job("nightly", dg.AssetSelection.all(), description="Everything: take new files, build all facts, publish.")
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

_UNFINISHED = [dg.DagsterRunStatus.QUEUED, dg.DagsterRunStatus.NOT_STARTED, dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED]


@dg.sensor(
    job=intraday,
    minimum_interval_seconds=60,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Starts the intraday job when complete new files lie in landing/.",
)
def landing_sensor(context: dg.SensorEvaluationContext, lakehouse: Lakehouse) -> dg.RunRequest | dg.SkipReason:
    """One run for each new set of files; none while a run is under way."""
    if context.instance.get_runs_count(dg.RunsFilter(statuses=_UNFINISHED)):
        return dg.SkipReason("a run is under way; it takes what has landed")
    lake = lakehouse.lake()
    ensure_tables(lake, source_contracts())
    files, _ = new_files(lakehouse.home(), lake)
    if not files:
        return dg.SkipReason("nothing new in landing/")
    identity = hashlib.sha256("\n".join(new.load_id for new in files).encode()).hexdigest()
    return dg.RunRequest(run_key=identity, tags={"serialake/new_files": str(len(files))})
