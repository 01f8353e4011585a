"""Runs: start the nightly job from the command line, and tell how the last runs went.

Runs started here and runs started in the UI are the same runs of one Dagster instance, below SERIALAKE_HOME. What a run
does is defined in pipelines/defs. A run whose process was killed is reported as failed by the next.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import dagster as dg

from pipelines.event_log import quick_event_log
from pipelines.home import Home
from pipelines.processes import is_alive, note_child, process_name

__all__ = [
    "PROCESS_TAG",
    "UNFINISHED",
    "RunOutcome",
    "close_dead_runs",
    "close_runs_of_dead_processes",
    "last_run",
    "run_job",
]

PROCESS_TAG = "serialake/process"
UNFINISHED = [dg.DagsterRunStatus.NOT_STARTED, dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED]
_STAGES = {
    "land_files": "extract to bronze",
    "take_files_in": "take in and show",
    "check_contracts": "check contracts",
    "build_marts": "build facts",
    "publish_tables": "publish",
    "sweep_discrepancies": "sweep discrepancies",
    "feed_peoplesoft": "feed PeopleSoft",
    "gold__rollout_sites_initial_loads_reconcile": "check initial loads",
    "judge_rollout": "judge the roll-out",
    "train_demand": "train demand",
    "train_returns": "train returns",
    "judge_forecasts": "judge forecasts",
    "sum_forecasts": "sum forecasts",
    "gold__demand_forecasts": "forecast demand",
    "gold__return_risk": "score returns",
}


@dataclass(frozen=True)
class RunOutcome:
    """One run: its id and state, seconds by stage, why it failed, by step, and its checks: passed, warned, failed."""

    run_id: str
    job: str
    state: str
    started_at: datetime | None
    stage_seconds: dict[str, float]
    errors: dict[str, str]
    checks: dict[str, int]

    @property
    def succeeded(self) -> bool:
        """Whether the run reached its end."""
        return self.state == "SUCCESS"


def run_job(home: Home, job: str = "nightly") -> RunOutcome:
    """Run a job in this process, to its end: nightly, facts (without training) or intraday (one look into landing/).

    Returns how it went; a failure is an outcome, not an exception.
    """
    home.prepare()
    run_config = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
    if job == "intraday":
        from pipelines.intraday_definitions import defs  # noqa: PLC0415 - a third of what the other location costs

        run_config["ops"] = {"take_files_in": {"config": {"idle_seconds": 0}}}
    else:
        from pipelines.definitions import defs  # noqa: PLC0415 - loads dbt's manifest, which needs a prepared home

    with quick_event_log(), _instance() as instance:
        close_runs_of_dead_processes(instance)
        # A night and an intraday run may go on at once; who looks for a killed one only by this note looks for a night.
        if job != "intraday":
            note_child(home.run_note, os.getpid())
        definition = defs().resolve_job_def(job)
        result = definition.execute_in_process(
            instance=instance,
            raise_on_error=False,
            tags={PROCESS_TAG: process_name(os.getpid())},
            run_config=run_config,
        )
        if job != "intraday":
            home.run_note.unlink(missing_ok=True)
        return _outcome(instance, result.run_id)


def close_dead_runs(home: Home) -> None:
    """Report runs as failed whose process was killed, where a run has left its note and its process is gone."""
    if not home.run_note.exists():
        return
    process = home.run_note.read_text(encoding="utf-8")
    if not process or not is_alive(process):
        last_run(home)
        home.run_note.unlink(missing_ok=True)


def last_run(home: Home) -> RunOutcome | None:
    """The newest run of any job, however it was started; None where there was none."""
    home.prepare()
    with _instance() as instance:
        close_runs_of_dead_processes(instance)
        runs = instance.get_runs(limit=1)
        return _outcome(instance, runs[0].run_id) if runs else None


@contextmanager
def _instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.get() as instance:
        yield instance


def _outcome(instance: dg.DagsterInstance, run_id: str) -> RunOutcome:
    record = instance.get_run_record_by_id(run_id)
    steps = instance.get_run_step_stats(run_id)
    seconds = {_STAGES.get(s.step_key, s.step_key): s.end_time - s.start_time for s in steps if s.end_time and s.start_time}
    failures = instance.all_logs(run_id, of_type=dg.DagsterEventType.STEP_FAILURE)
    errors = {_STAGES.get(e.step_key, e.step_key): _message(e) for e in failures}
    started = datetime.fromtimestamp(record.start_time, UTC).replace(tzinfo=None) if record.start_time else None
    job, state = record.dagster_run.job_name, record.dagster_run.status.value
    return RunOutcome(run_id, job, state, started, seconds, errors, _checks(instance, run_id))


def _checks(instance: dg.DagsterInstance, run_id: str) -> dict[str, int]:
    """Asset checks of a run by how they ended."""
    counts = {"passed": 0, "warned": 0, "failed": 0}
    for entry in instance.all_logs(run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION):
        check = entry.dagster_event.asset_check_evaluation_data
        is_error = check.severity == dg.AssetCheckSeverity.ERROR
        counts["passed" if check.passed else "failed" if is_error else "warned"] += 1
    return counts


def _message(event: dg.EventLogEntry) -> str:
    """What a step raised, without Dagster's wrapping and without its stack."""
    error = event.dagster_event.step_failure_data.error
    while error.cause and (error.cls_name or "").startswith(("Dagster", "RetryRequested")):
        error = error.cause
    return error.message.strip().removeprefix("dagster._core.errors.DagsterAssetCheckFailedError: ")


def close_runs_of_dead_processes(instance: dg.DagsterInstance) -> None:
    """Report runs as failed whose process is gone, and free what they hold of concurrency pools."""
    for run in instance.get_runs(dg.RunsFilter(statuses=UNFINISHED)):
        process = run.tags.get(PROCESS_TAG)
        if process is not None and not is_alive(process):
            instance.report_run_failed(run, "the process of this run ended before the run did; the next run carries on where it stopped")
            instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)
