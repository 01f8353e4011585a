"""Live systems: what changed in each since the last look lands as files, in a job of its own.

No run of the lake waits for it: a system that is down delays its own rows, and nobody else's. The landing sensor takes the files.
"""

import os
from collections.abc import Callable
from datetime import UTC, datetime

import dagster as dg

from pipelines.contracts import source_contracts
from pipelines.defs.resources import RETRIES, Lakehouse
from pipelines.live import S4, SYSTEMS, Extraction, LiveError, connection_string, extract, extract_s4, s4_address


@dg.asset(
    key=["landing", "tryton"],
    group_name="landing",
    owners=["team:lake"],
    kinds={"postgres"},
    retry_policy=RETRIES,
)
def landing_tryton(context: dg.AssetExecutionContext, lakehouse: Lakehouse) -> dg.MaterializeResult:
    """One file per table and extraction: rows of a live Tryton that are new, changed or gone, all from one snapshot."""
    system, home, lake = SYSTEMS["tryton"], lakehouse.home(), lakehouse.lake()
    return _landed(context, lambda: extract(system, home, lake, source_contracts(), connection_string=connection_string(system)))


@dg.asset(key=["landing", S4], group_name="landing", owners=["team:lake"], kinds={"odata"}, retry_policy=RETRIES)
def landing_s4(context: dg.AssetExecutionContext, lakehouse: Lakehouse) -> dg.MaterializeResult:
    """One file per entity set and window of days: material documents and articles of S/4HANA that are new."""
    home, lake = lakehouse.home(), lakehouse.lake()
    now = datetime.now(UTC).replace(tzinfo=None)
    return _landed(context, lambda: extract_s4(home, lake, source_contracts(), address=s4_address(), now=now))


def _landed(context: dg.AssetExecutionContext, read: Callable[[], Extraction]) -> dg.MaterializeResult:
    """What an extraction wrote, or the failure that it ended in."""
    try:
        done = read()
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

extract_s4_job = dg.define_asset_job(
    "extract_s4", dg.AssetSelection.assets(["landing", S4]), description="Read what is new in S/4HANA; the sensor takes it in."
)

s4_schedule = dg.ScheduleDefinition(
    name="s4_schedule",
    job=extract_s4_job,
    cron_schedule="*/15 * * * *",
    execution_timezone="UTC",
    # Where no address is given, there is nothing to read.
    default_status=dg.DefaultScheduleStatus.RUNNING if os.environ.get("SERIALAKE_S4_URL") else dg.DefaultScheduleStatus.STOPPED,
    description="Every quarter of an hour, where SERIALAKE_S4_URL is set.",
)
