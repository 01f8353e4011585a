"""Entry point of Dagster: everything in pipelines/defs, the executor that all runs use, and one freshness policy for all.

A Dagster step in a process of its own costs about four seconds of imports here, so runs stay in one process.
"""

from datetime import timedelta
from pathlib import Path

import dagster as dg

FRESHNESS = dg.FreshnessPolicy.time_window(fail_window=timedelta(hours=36))
"""A night may be late by half a day before somebody is told."""


@dg.definitions
def defs() -> dg.Definitions:
    """All assets, checks, jobs, schedules and sensors."""
    found = dg.load_from_defs_folder(path_within_project=Path(__file__).parent)
    merged = dg.Definitions.merge(found, dg.Definitions(executor=dg.in_process_executor))
    return merged.map_asset_specs(func=lambda spec: dg.apply_freshness_policy(spec, FRESHNESS))
