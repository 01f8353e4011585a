"""Live systems: what changed in each since the last look lands as files, in a job of its own.

No run of the lake waits for it: a database that is down delays its own rows, and nobody else's. The landing sensor takes the files.
"""

import os

import dagster as dg

from pipelines.contracts import source_contracts
from pipelines.defs.resources import RETRIES, Lakehouse
from pipelines.live import SYSTEMS, LiveError, connection_string, extract


@dg.asset(
    key=["landing", "tryton"],
    group_name="landing",
    owners=["team:lake"],
    kinds={"postgres"},
    retry_policy=RETRIES,
)
def landing_tryton(context: dg.AssetExecutionContext, lakehouse: Lakehouse) -> dg.MaterializeResult:
    """One file per table and extraction: rows of a live Tryton that are new, changed or gone, all from one snapshot."""
    system = SYSTEMS["tryton"]
    try:
        found = connection_string(system)
        done = extract(system, lakehouse.home(), lakehouse.lake(), source_contracts(), connection_string=found)
    except LiveError as error:
        # A wrong password does not get right by trying again.
        raise dg.Failure(str(error), allow_retries=error.may_pass) from None
    context.log.info(f"{done.rows} rows in {len(done.files)} files")
    return dg.MaterializeResult(
        metadata={
            "extracted_at": done.extracted_at.isoformat(),
            "files": list(done.files),
            "rows_changed": done.changed,
            "rows_gone": done.deleted,
        }
    )


extract_tryton = dg.define_asset_job(
    "extract_tryton", dg.AssetSelection.assets(["landing", "tryton"]), description="Read what changed in Tryton; the sensor takes it in."
)

tryton_schedule = dg.ScheduleDefinition(
    name="tryton_schedule",
    job=extract_tryton,
    cron_schedule="*/15 * * * *",
    execution_timezone="UTC",
    # Where no connection string is given, there is nothing to read.
    default_status=dg.DefaultScheduleStatus.RUNNING if os.environ.get("SERIALAKE_TRYTON_DSN") else dg.DefaultScheduleStatus.STOPPED,
    description="Every quarter of an hour, where SERIALAKE_TRYTON_DSN is set.",
)
