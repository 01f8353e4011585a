"""Entry point of Dagster for what happens during the day: the intraday job, and the sensor that starts it.

A code location of its own, since a run in a process of its own imports all of its location: this one knows no dbt, no Great
Expectations and no model, and starts in a third of the time. The tables that it writes have their place in the graph of the other
location (pipelines/defs/intraday.py); what a look does stands in pipelines/intraday.
"""

import os
import time
from contextlib import nullcontext

import dagster as dg
from filelock import Timeout

from pipelines.contracts import ContractError, published_contracts, source_contracts
from pipelines.defs.resources import RETRIES, Lakehouse
from pipelines.ingest import ensure_tables
from pipelines.intraday.taking import Look, is_wanted, looks
from pipelines.processes import process_name
from pipelines.runs import PROCESS_TAG, UNFINISHED, close_runs_of_dead_processes

CONTRACTS, PUBLISHED = source_contracts(), published_contracts()
RETRY_SECONDS, START_SECONDS = 30, 120
"""After a run has failed, how long the sensor waits; how long a run may take to start before it counts as lost."""


class Looking(dg.Config):
    """How long a run goes on: it ends when nothing has landed for so long, or when it has gone on for so long."""

    idle_seconds: float = 120
    longest_seconds: float = 1800


@dg.op(retry_policy=RETRIES)
def take_files_in(context: dg.OpExecutionContext, config: Looking, lakehouse: Lakehouse) -> None:
    """Take what lands into the lake, and show it in the live tables within seconds, until nothing lands for a while."""
    home, lake = lakehouse.home(), lakehouse.lake()
    context.instance.add_run_tags(context.run_id, {PROCESS_TAG: process_name(os.getpid())})
    times = {"idle_seconds": config.idle_seconds, "longest_seconds": config.longest_seconds}
    try:
        # Two runs that go on looking would be one too many; a single look is taken whoever else looks.
        with home.intraday_lock() if config.idle_seconds else nullcontext():
            for look in looks(home, lake, CONTRACTS, PUBLISHED, now=lakehouse.now, **times):
                _tell(context, look)
    except Timeout:
        context.log.info("another intraday run takes in what lands")
    except ContractError as error:
        # Trying again mends no contract.
        raise dg.Failure(str(error), allow_retries=False) from error


def _tell(context: dg.OpExecutionContext, look: Look) -> None:
    ingested, live = look.ingested, look.live
    records = f"{ingested.records_in} = accepted {ingested.records_accepted} + quarantined {ingested.records_quarantined}"
    context.log.info(f"files {ingested.files or 'none new'}; records in {records}")
    for table, rows in ingested.appended.items():
        context.log_event(dg.AssetMaterialization(["bronze", *table.split("/")], metadata={"rows_added": rows}))
    if live is None:
        context.log.info("no facts are published that it could be shown with: the next night publishes both")
        return
    told = f"{live.new_records} records of {live.touched_units} units since the facts, {live.discrepancies} discrepancies"
    context.log.info(f"live up to {live.until}: {told}" + (f"; held back by contracts: {len(live.held)} loads" if live.held else ""))
    for name, contract in PUBLISHED.items():
        if contract.written_by == "intraday":
            context.log_event(dg.AssetMaterialization(["gold", name], metadata={"live_until": live.until.isoformat()}))


@dg.job(executor_def=dg.in_process_executor, description="Take new files in, and show them in the live tables; no facts are built.")
def intraday() -> None:
    """One step: its parts have to follow one another, and to start each costs more than it does."""
    take_files_in()


@dg.sensor(
    job=intraday,
    minimum_interval_seconds=5,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Starts the intraday job when complete new files lie in landing/, or when what was taken in is not shown.",
)
def landing_sensor(context: dg.SensorEvaluationContext, lakehouse: Lakehouse) -> dg.RunRequest | dg.SkipReason:
    """One run at a time; it goes on while files land. A run whose process was killed is closed, and followed by another."""
    home, lake = lakehouse.home(), lakehouse.lake()
    close_runs_of_dead_processes(context.instance)
    runs = context.instance.get_run_records(dg.RunsFilter(job_name=intraday.name), limit=5)
    now = time.time()
    if any(_is_going_on(record, now) for record in runs):
        return dg.SkipReason("an intraday run is at it")
    if runs and runs[0].dagster_run.status == dg.DagsterRunStatus.FAILURE and now - (runs[0].end_time or 0) < RETRY_SECONDS:
        return dg.SkipReason(f"the last run failed; it is tried again {RETRY_SECONDS} s after that")
    ensure_tables(lake, CONTRACTS)
    if not is_wanted(home, lake):
        return dg.SkipReason("nothing new in landing/, and all that was taken in is shown")
    return dg.RunRequest()


def _is_going_on(record: dg.RunRecord, now: float) -> bool:
    """Whether a run has not ended; one that never got so far as to name its process is given up in time."""
    run = record.dagster_run
    return run.status in UNFINISHED and (PROCESS_TAG in run.tags or now - record.create_timestamp.timestamp() < START_SECONDS)


@dg.definitions
def defs() -> dg.Definitions:
    """The job, its sensor, and the lakehouse they work on."""
    return dg.Definitions(jobs=[intraday], sensors=[landing_sensor], resources={"lakehouse": Lakehouse()})
